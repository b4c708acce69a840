"""Git's settings: which make git run, load, read or write something, or talk to somewhere else.

It follows git's own list (`git help --config`, up to 2.47): each of it is either in GIT_SETTINGS or in
HARMLESS, and a test fails when a newer git has one in neither. What programs beside git read of the same
files is in GIT_SETTINGS, too.
"""

from __future__ import annotations

# Sections, and the keys in them; "*" is every key: an alias without "!" can still be `grep -O<program>`.
GIT_SETTINGS = {
    section: frozenset(keys.split())
    for section, keys in {
        "alias": "*",
        "attr": "tree",
        "branch": "mergeoptions pushremote remote",
        "browser": "cmd path",
        "bundle": "uri",
        # Without the last two, a checkout can write into .git under another spelling of its name.
        "core": "fsmonitor sshcommand editor pager askpass hookspath gitproxy alternaterefscommand "
                "worktree attributesfile sharedrepository protecthfs protectntfs",
        # Those of protection let a server's name bring other credentials, or steer the terminal.
        "credential": "helper protectprotocol sanitizeprompt",
        "diff": "external command textconv tool guitool",
        "difftool": "cmd path",
        "extensions": "partialclone",
        "fetch": "bundleuri",
        "filter": "clean smudge process",
        # They add readers of the patches that you send, or put a file into them, or elsewhere.
        "format": "cc headers outputdirectory signaturefile to",
        "fsmonitor": "socketdir",
        "gc": "recentobjectshook repackfilterto",
        "gitcvs": "dbdriver dbname logfile",
        "gpg": "program defaultkeycommand allowedsignersfile revocationfile mintrustlevel",
        "guitool": "cmd",
        "help": "browser htmlpath",
        "hook": "*",
        # A cookie file is read; with savecookies it is overwritten by what a server says.
        "http": "cookiefile savecookies curloptresolve delegation emptyauth followredirects pinnedpubkey "
                "proactiveauth proxy proxyauthmethod proxysslcainfo proxysslcert proxysslkey "
                "schannelcheckrevoke schannelusesslcainfo sslbackend sslcainfo sslcapath sslcert sslcerttype "
                "sslcipherlist sslkey sslkeytype ssltry sslverify sslversion",
        "imap": "host port sslverify tunnel",
        "include": "path",
        "includeif": "path",
        "init": "templatedir",
        "instaweb": "httpd browser local modulepath",
        "interactive": "difffilter",
        "maintenance": "enabled repo schedule strategy",
        "man": "cmd path viewer",
        "merge": "driver tool guitool",
        # Of vimdiff a layout, which a shell evaluates.
        "mergetool": "cmd path layout",
        "pager": "*",
        "promisor": "acceptfromserver",
        "protocol": "*",
        # Names of strategies: git runs git-merge-NAME.
        "pull": "octopus twohead",
        # Servers take options for their CI.
        "push": "pushoption",
        # It is written into the list of what a rebase does: with %n, so is a line of its own, such as exec.
        "rebase": "instructionformat",
        "remote": "uploadpack receivepack vcs url pushurl proxy proxyauthmethod promisor pushdefault lfsurl "
                  "lfspushurl",
        "remotes": "*",
        "safe": "*",
        "sendemail": "smtpserver smtpserveroption smtpserverport smtpencryption smtpsslcertpath sendmailcmd "
                     "tocmd cccmd headercmd aliasesfile to cc bcc identity",
        "sequence": "editor",
        "submodule": "update url gitdir",
        "tar": "command",
        "trace2": "*",
        "trailer": "command cmd",
        "transfer": "bundleuri",
        "uploadpack": "packobjectshook blobpackfileuri",
        "url": "insteadof pushinsteadof",
        "web": "browser",
        # what others read
        "annex": "*",
        "branchless": "*",
        "delta": "pager",
        "git-p4": "port",
        "gitflow": "hooks",
        "lfs": "path args url pushurl storage clean smudge standalonetransferagent",
        "stgit": "*",
        "svn": "authorsprog",
        "svn-remote": "url pushurl rewriteroot",
        "tig": "bind source diff-highlight",
    }.items()
}  # fmt: skip
# Values of them that leave git as careful as it is without them.
SAFE_VALUES = {
    ("http", "sslverify"): ("true", "yes", "on", "1"),
    ("http", "savecookies"): ("false", "no", "off", "0"),
    ("http", "followredirects"): ("false", "no", "off", "0", "initial"),
    ("core", "protecthfs"): ("true", "yes", "on", "1"),
    ("core", "protectntfs"): ("true", "yes", "on", "1"),
    ("imap", "sslverify"): ("true", "yes", "on", "1"),
}

# Who is asked for it, which is told unless it is a repository that was not there before: a clone has them.
OF_A_CLONE = frozenset((
    ("remote", "url"), ("remote", "promisor"), ("extensions", "partialclone"), ("svn-remote", "url"),
))  # fmt: skip

# What is left of git's own list, and why it is not told. "section.*" is all that GIT_SETTINGS does not have.
HARMLESS = (
    ("they choose what is shown, and how", """
        advice.* add.ignoreerrors add.interactive.* blame.* color.* column.* log.* pretty.* showbranch.*
        stash.* status.* tag.sort branch.sort branch.description merge.branchdesc merge.log merge.stat
        merge.suppressdest merge.verbosity merge.name grep.* gui.* guitool.* gitweb.* help.autocorrect
        help.format i18n.* interactive.singlekey notes.displayref versionsort.suffix completion.commands
        core.abbrev core.quotepath core.whitespace core.warnambiguousrefs core.commentchar core.commentstring
        core.excludesfile core.notesref instaweb.port mailmap.* promisor.quiet
        diff.binary diff.cachetextconv diff.trustexitcode diff.wordregex diff.xfuncname diff.algorithm
        diff.autorefreshindex diff.colormoved diff.colormovedws diff.context diff.dirstat diff.dstprefix
        diff.ignoresubmodules diff.indentheuristic diff.interhunkcontext diff.mnemonicprefix diff.noprefix
        diff.orderfile diff.relative diff.renamelimit diff.renames diff.srcprefix diff.statgraphwidth
        diff.statnamewidth diff.submodule diff.suppressblankempty diff.wserrorhighlight difftool.guidefault
        difftool.prompt difftool.trustexitcode"""),
    ("they choose how work is done that you ask for, and name nothing else", """
        am.* apply.* branch.merge branch.rebase branch.autosetupmerge branch.autosetuprebase checkout.*
        clean.*
        clone.* commit.cleanup commit.gpgsign commit.status commit.verbose commitgraph.* fastimport.*
        feature.* fetch.all fetch.bundlecreationtoken fetch.fsck.* fetch.fsckobjects
        fetch.negotiationalgorithm fetch.output fetch.parallel fetch.prune fetch.prunetags
        fetch.recursesubmodules fetch.showforcedupdates fetch.unpacklimit fetch.writecommitgraph
        fsmonitor.allowremote init.defaultbranch mailinfo.* maintenance.auto maintenance.autodetach
        merge.autostash merge.conflictstyle merge.defaulttoupstream merge.directoryrenames merge.ff
        merge.recursive merge.renamelimit merge.renames merge.renormalize merge.verifysignatures
        mergetool.guidefault mergetool.hasoutput mergetool.hideresolved mergetool.keepbackup
        mergetool.keeptemporaries mergetool.prompt mergetool.trustexitcode mergetool.useautomerge
        mergetool.writetotemp notes.mergestrategy notes.rewrite.* notes.rewritemode notes.rewriteref pull.ff
        pull.rebase push.autosetupremote push.default push.followtags push.gpgsign push.negotiate
        push.recursesubmodules push.usebitmaps push.useforceifincludes rebase.abbreviatecommands
        rebase.autosquash rebase.autostash rebase.backend rebase.forkpoint rebase.maxlabellength
        rebase.missingcommitscheck rebase.rebasemerges rebase.reschedulefailedexec rebase.stat
        rebase.updaterefs remote.fetch remote.mirror remote.partialclonefilter remote.prune remote.prunetags
        remote.push remote.skipdefaultupdate remote.skipfetchall remote.tagopt rerere.* revert.* ssh.variant
        submodule.active submodule.alternateerrorstrategy submodule.alternatelocation submodule.branch
        submodule.fetchjobs submodule.fetchrecursesubmodules submodule.ignore submodule.propagatebranches
        submodule.recurse tag.forcesignannotated tag.gpgsign tar.umask trailer.* transfer.credentialsinurl
        worktree.*"""),
    ("they choose how git keeps its files", """
        bitmappseudomerge.* core.autocrlf core.bare core.bigfilethreshold core.checkroundtripencoding
        core.checkstat core.commitgraph core.compression core.createobject core.deltabasecachelimit core.eol
        core.filemode core.filesreflocktimeout core.fsmonitorhookversion core.fsync core.fsyncmethod
        core.fsyncobjectfiles core.hidedotfiles core.ignorecase core.ignorestat core.logallrefupdates
        core.loosecompression core.maxtreedepth core.multipackindex core.packedgitlimit
        core.packedgitwindowsize core.packedrefstimeout core.precomposeunicode core.prefersymlinkrefs
        core.preloadindex core.repositoryformatversion core.restrictinheritedhandles core.safecrlf
        core.sparsecheckout core.sparsecheckoutcone core.splitindex core.symlinks core.trustctime
        core.unsetenvvars core.untrackedcache core.usereplacerefs core.alternaterefsprefixes
        extensions.compatobjectformat extensions.objectformat extensions.refstorage
        extensions.worktreeconfig gc.aggressivedepth gc.aggressivewindow gc.auto gc.autodetach
        gc.autopacklimit
        gc.bigpackthreshold gc.cruftpacks gc.logexpiry gc.maxcruftsize gc.packrefs gc.pruneexpire
        gc.reflogexpire gc.reflogexpireunreachable gc.repackfilter gc.rerereresolved gc.rerereunresolved
        gc.worktreepruneexpire gc.writecommitgraph index.* maintenance.commit-graph.*
        maintenance.incremental-repack.* maintenance.loose-objects.* pack.* reftable.* repack.* sparse.*
        splitindex.*"""),
    ("they choose what is refused as damaged, or what others may fetch and push here", """
        fsck.* receive.* lsrefs.* transfer.advertiseobjectinfo transfer.advertisesid transfer.fsckobjects
        transfer.hiderefs transfer.unpacklimit uploadarchive.* uploadpack.allowanysha1inwant
        uploadpack.allowfilter uploadpack.allowreachablesha1inwant uploadpack.allowrefinwant
        uploadpack.allowtipsha1inwant uploadpack.hiderefs uploadpack.keepalive uploadpackfilter.*"""),
    ("they say who somebody is, or which of your keys signs", """
        author.* committer.* user.* gpg.format credential.interactive credential.usehttppath
        credential.username credentialcache.* credentialstore.* imap.authmethod imap.folder imap.pass
        imap.preformattedhtml imap.user gitcvs.dbpass gitcvs.dbuser sendemail.smtppass sendemail.smtpuser"""),
    ("they say how a server is asked that is told where it changes", """
        bundle.heuristic bundle.mode bundle.version http.extraheader http.lowspeedlimit http.lowspeedtime
        http.maxrequests http.minsessions http.noepsv http.postbuffer http.proxysslcertpasswordprotected
        http.sslcertpasswordprotected http.useragent http.version gitcvs.allbinary gitcvs.commitmsgannotation
        gitcvs.dbtablenameprefix gitcvs.enabled gitcvs.usecrlfattr checkout.defaultremote"""),
    ("they form a text that you see before it leaves", """
        commit.template format.attach format.coverfromdescription format.coverletter
        format.encodeemailheaders format.filenamemaxlength format.forceinbodyfrom format.from format.mboxrd
        format.noprefix format.notes format.numbered format.pretty format.signoff format.signature
        format.subjectprefix format.suffix format.thread format.useautobase sendemail.aliasfiletype
        sendemail.annotate sendemail.chainreplyto sendemail.confirm sendemail.envelopesender
        sendemail.forbidsendmailvariables sendemail.from sendemail.mailmap sendemail.mailmap.*
        sendemail.multiedit sendemail.signedoffbycc sendemail.smtpbatchsize sendemail.smtpdomain
        sendemail.smtprelogindelay sendemail.suppresscc sendemail.suppressfrom sendemail.thread
        sendemail.transferencoding sendemail.validate sendemail.xmailer"""),
)  # fmt: skip
