"""Git's settings that the guard does not tell, and why.

With init/guard/rules/git_settings.py it holds each that git lists (`git help --config`, up to 2.55). Names
are without what stands between section and key. A pattern is only where all keys are of one kind.

Nothing but tests reads it: it says what was thought about each.
"""

from __future__ import annotations

HARMLESS = {
    "it switches a hint, or chooses a colour, columns or the order of a list": """
        advice.* color.* column.branch column.clean column.status column.tag column.ui branch.sort tag.sort
        versionsort.suffix""",
    "it chooses what a command shows, of what is in the repository": """
        blame.blankboundary blame.coloring blame.date blame.markignoredlines blame.markunblamablelines
        blame.showemail blame.showroot core.abbrev core.quotepath core.whitespace core.warnambiguousrefs
        completion.commands grep.column grep.extendedregexp grep.fallbacktonoindex grep.fullname
        grep.linenumber grep.patterntype grep.threads help.format i18n.logoutputencoding
        log.abbrevcommit log.date log.decorate log.diffmerges log.excludedecoration log.follow
        log.graphcolors log.graphindent log.initialdecorationset log.mailmap log.showroot log.showsignature
        notes.displayref core.notesref pretty.<name> promisor.quiet showbranch.default
        stash.showincludeuntracked stash.showpatch stash.showstat status.aheadbehind status.branch
        status.comparebranches status.displaycommentprefix status.relativepaths status.renamelimit
        status.renames status.short status.showstash status.showuntrackedfiles status.submodulesummary
        submodule.ignore""",
    "it chooses how differences are found and shown": """
        diff.algorithm diff.autorefreshindex diff.binary diff.cachetextconv diff.colormoved
        diff.colormovedws diff.context diff.dirstat diff.dstprefix diff.ignoresubmodules
        diff.indentheuristic diff.interhunkcontext diff.mnemonicprefix diff.noprefix diff.relative
        diff.renamelimit diff.renames diff.srcprefix diff.statgraphwidth diff.statnamewidth diff.submodule
        diff.suppressblankempty diff.trustexitcode diff.wordregex diff.wserrorhighlight diff.xfuncname""",
    "git reads a file or an object of names or patterns, which it matches, and at most shows": """
        blame.ignorerevsfile core.excludesfile diff.orderfile fsck.skiplist fetch.fsck.skiplist
        receive.fsck.skiplist mailmap.blob mailmap.file""",
    "it chooses how a window of git's looks, or what it asks": """
        gui.blamehistoryctx gui.commitmsgwidth gui.copyblamethreshold gui.diffcontext gui.displayuntracked
        gui.encoding gui.fastcopyblame gui.gcwarning gui.matchtrackingbranch gui.newbranchtemplate
        gui.pruneduringfetch gui.trustmtime guitool.argprompt guitool.confirm guitool.needsfile
        guitool.noconsole guitool.norescan guitool.prompt guitool.revprompt guitool.revunmerged
        guitool.title""",
    "it is about a tool that is told, by the setting that names it": """
        core.fsmonitorhookversion difftool.guidefault difftool.prompt difftool.trustexitcode
        fsmonitor.allowremote merge.name merge.recursive mergetool.guidefault mergetool.hasoutput
        mergetool.hideresolved mergetool.keepbackup mergetool.keeptemporaries mergetool.prompt
        mergetool.trustexitcode mergetool.useautomerge mergetool.writetotemp ssh.variant""",
    "it is about a page that you serve, to whom you let in": """
        gitweb.avatar gitweb.blame gitweb.category gitweb.description gitweb.grep gitweb.highlight
        gitweb.owner gitweb.patches gitweb.pickaxe gitweb.remote_heads gitweb.showsizes gitweb.snapshot
        gitweb.url instaweb.port gitcvs.allbinary gitcvs.commitmsgannotation gitcvs.dbpass
        gitcvs.dbtablenameprefix gitcvs.dbuser gitcvs.enabled gitcvs.usecrlfattr""",
    "it is about what those fetch from here or push to here whom you let in": """
        lsrefs.unborn receive.advertiseatomic receive.advertisepushoptions receive.autogc
        receive.certnonceseed receive.certnonceslop receive.denycurrentbranch receive.denydeletecurrent
        receive.denydeletes receive.denynonfastforwards receive.fsckobjects receive.hiderefs
        receive.keepalive receive.maxinputsize receive.procreceiverefs receive.shallowupdate
        receive.unpacklimit receive.updateserverinfo transfer.advertiseobjectinfo transfer.advertisesid
        transfer.hiderefs uploadarchive.allowunreachable uploadpack.allowanysha1inwant
        uploadpack.allowfilter uploadpack.allowreachablesha1inwant uploadpack.allowrefinwant
        uploadpack.allowtipsha1inwant uploadpack.hiderefs uploadpack.keepalive uploadpackfilter.allow
        uploadpackfilter.maxdepth""",
    "it says how bad a kind of damage in an object is": "fsck.* fetch.fsck.* receive.fsck.*",
    "it looks at objects more closely, or less, none of which is run": """
        fetch.fsckobjects transfer.fsckobjects merge.verifysignatures""",
    "it chooses how a commit, a tag or a note of yours is made": """
        add.ignoreerrors add.usebuiltin am.keepcr am.messageid am.threeway apply.ignorewhitespace
        apply.whitespace branch.description commit.cleanup commit.status commit.verbose core.commentchar
        core.commentstring i18n.commitencoding interactive.singlekey mailinfo.scissors notes.mergestrategy
        notes.<command> notes.rewritemode notes.rewriteref revert.reference stash.index
        trailer.ifexists trailer.ifmissing trailer.key trailer.separators trailer.where""",
    "it says who you are, or which of your keys signs, with a program that is told": """
        author.email author.name committer.email committer.name user.email user.name user.signingkey
        user.useconfigonly commit.gpgsign gpg.format push.gpgsign tag.forcesignannotated tag.gpgsign""",
    "it chooses how branches are merged, rebased or checked out that you name": """
        branch.autosetupmerge branch.autosetuprebase branch.deletemerged branch.merge branch.rebase
        checkout.defaultremote checkout.guess checkout.thresholdforparallelism checkout.workers
        clean.requireforce help.autocorrect merge.autostash merge.branchdesc merge.conflictstyle
        merge.defaulttoupstream merge.directoryrenames merge.ff merge.log merge.renamelimit merge.renames
        merge.renormalize merge.stat merge.suppressdest merge.verbosity pull.autostash pull.ff pull.rebase
        rebase.abbreviatecommands rebase.autosquash rebase.autostash rebase.backend rebase.forkpoint
        rebase.maxlabellength rebase.missingcommitscheck rebase.rebasemerges rebase.reschedulefailedexec
        rebase.stat rebase.updaterefs replay.refaction rerere.autoupdate rerere.enabled
        worktree.guessremote worktree.userelativepaths""",
    "it chooses what is fetched from a remote that is told where it is new, and how it is kept": """
        bundle.heuristic bundle.mode bundle.version fetch.all fetch.bundlecreationtoken
        fetch.followremotehead fetch.negotiationalgorithm fetch.output fetch.parallel fetch.prune
        fetch.prunetags fetch.recursesubmodules fetch.showforcedupdates fetch.unpacklimit
        fetch.writecommitgraph promisor.checkfields remote.advertisedas remote.fetch
        remote.followremotehead remote.negotiationinclude remote.negotiationrestrict
        remote.partialclonefilter remote.prune remote.prunetags remote.skipdefaultupdate
        remote.skipfetchall remote.tagopt submodule.active submodule.alternateerrorstrategy
        submodule.alternatelocation submodule.branch submodule.fetchjobs submodule.fetchrecursesubmodules
        submodule.propagatebranches submodule.recurse transfer.credentialsinurl transfer.unpacklimit""",
    "it chooses which of your branches go to a remote that is told where it is new": """
        push.autosetupremote push.default push.followtags push.negotiate push.recursesubmodules
        push.usebitmaps push.useforceifincludes""",
    "it is about the connection to a server that is told where it is new": """
        http.keepalivecount http.keepaliveidle http.keepaliveinterval http.lowspeedlimit http.lowspeedtime
        http.maxrequests http.maxretries http.maxretrytime http.minsessions http.noepsv http.postbuffer
        http.proxysslcertpasswordprotected http.retryafter http.sslcertpasswordprotected http.version
        imap.authmethod imap.folder imap.pass imap.preformattedhtml imap.user""",
    "it forms a mail that you see before it leaves, to receivers who are told": """
        format.attach format.commitlistformat format.coverfromdescription format.coverletter
        format.encodeemailheaders format.filenamemaxlength format.forceinbodyfrom format.from
        format.mboxrd format.noprefix format.notes format.numbered format.pretty format.signature
        format.signoff format.subjectprefix format.suffix format.thread format.useautobase
        sendemail.aliasfiletype sendemail.annotate sendemail.chainreplyto sendemail.envelopesender
        sendemail.forbidsendmailvariables sendemail.from sendemail.imapsentfolder sendemail.multiedit
        sendemail.outlookidfix sendemail.signedoffbycc sendemail.smtpbatchsize sendemail.smtpdomain
        sendemail.smtppass sendemail.smtprelogindelay sendemail.smtpuser sendemail.suppresscc
        sendemail.suppressfrom sendemail.thread sendemail.transferencoding sendemail.useimaponly
        sendemail.validate sendemail.xmailer""",
    "it is about repositories that are not there yet": """
        clone.defaultremotename clone.filtersubmodules clone.rejectshallow init.defaultbranch
        init.defaultobjectformat init.defaultrefformat init.defaultsubmodulepathconfig""",
    "it says how git takes files of the working tree, and which": """
        core.autocrlf core.bigfilethreshold core.checkroundtripencoding core.checkstat core.eol
        core.filemode core.hidedotfiles core.ignorecase core.ignorestat core.precomposeunicode
        core.safecrlf core.sparsecheckout core.sparsecheckoutcone core.symlinks core.trustctime
        core.untrackedcache sparse.expectfilesoutsideofpatterns tar.umask""",
    "it says what a repository is, so that git reads it or refuses to": """
        core.bare core.repositoryformatversion extensions.compatobjectformat extensions.objectformat
        extensions.worktreeconfig""",
    "it chooses how git keeps objects, branches and its index, in their own places": """
        bitmappseudomerge.decay bitmappseudomerge.maxmerges bitmappseudomerge.pattern
        bitmappseudomerge.samplerate bitmappseudomerge.stablesize bitmappseudomerge.stablethreshold
        bitmappseudomerge.threshold commitgraph.changedpaths commitgraph.changedpathsversion
        commitgraph.generationversion commitgraph.maxnewfilters commitgraph.readchangedpaths
        core.commitgraph core.compression core.configlocktimeout core.createobject
        core.deltabasecachelimit core.filesreflocktimeout core.fsync core.fsyncmethod
        core.fsyncobjectfiles core.lockfilepid core.logallrefupdates core.loosecompression
        core.maxtreedepth core.multipackindex core.packedgitlimit core.packedgitwindowsize
        core.packedrefstimeout core.prefersymlinkrefs core.preloadindex core.splitindex
        core.usereplacerefs core.alternaterefsprefixes fastimport.unpacklimit feature.experimental
        feature.manyfiles index.recordendofindexentries index.recordoffsettable index.skiphash
        index.sparse index.threads index.version pack.allowpackreuse pack.compression
        pack.deltacachelimit pack.deltacachesize pack.depth pack.indexversion pack.island pack.islandcore
        pack.packsizelimit pack.preferbitmaptips pack.readreverseindex pack.threads
        pack.usebitmapboundarytraversal pack.usebitmaps pack.usepathwalk pack.usesparse pack.window
        pack.windowmemory pack.writebitmaphashcache pack.writebitmaplookuptable pack.writereverseindex
        reftable.blocksize reftable.geometricfactor reftable.indexobjects reftable.locktimeout
        reftable.restartinterval splitindex.maxpercentchange splitindex.sharedindexexpire""",
    "it says when git packs objects, and when it drops those that nothing names any more": """
        gc.aggressivedepth gc.aggressivewindow gc.auto gc.autodetach gc.autopacklimit
        gc.bigpackthreshold gc.cruftpacks gc.logexpiry gc.maxcruftsize gc.packrefs gc.pruneexpire
        gc.reflogexpire gc.reflogexpireunreachable gc.repackfilter gc.rerereresolved
        gc.rerereunresolved gc.worktreepruneexpire gc.writecommitgraph maintenance.auto
        maintenance.autodetach maintenance.batchsize maintenance.splitfactor
        repack.cruftdepth repack.cruftthreads repack.cruftwindow repack.cruftwindowmemory
        repack.midxmustcontaincruft repack.midxnewlayerthreshold repack.midxsplitfactor
        repack.packkeptobjects repack.updateserverinfo repack.usedeltabaseoffset repack.usedeltaislands
        repack.writebitmaps""",
    "it is about git's own helpers for credentials, which another setting names": """
        credentialcache.ignoresighup credentialstore.locktimeoutms""",
    "it is about Windows, where it hides handles and variables from what git starts": """
        core.restrictinheritedhandles core.unsetenvvars""",
}
