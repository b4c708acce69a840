"""Git's settings: which make git run, load, read or write something, or talk to somewhere else.

It follows git's own list (`git help --config`, up to 2.55): each of it is either here or in
init/guard/rules/git_harmless.py, and a test fails when a newer git has one in neither. What programs beside
git read of the same files is here, too.
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
        # It puts a file into your messages.
        "commit": "template",
        "core": "fsmonitor sshcommand editor pager askpass hookspath gitproxy alternaterefscommand "
                "worktree attributesfile sharedrepository protecthfs protectntfs",
        # Helpers have settings of their own, such as the place where they ask, or keep what they get.
        "credential": "*",
        "diff": "external command textconv tool guitool",
        "difftool": "cmd path",
        # With a path, branches are read and written there.
        "extensions": "partialclone refstorage",
        "fetch": "bundleuri",
        "filter": "clean smudge process",
        # They add readers of the patches that you send, or put a file into them, or elsewhere.
        "format": "cc headers outputdirectory signaturefile to",
        "fsmonitor": "socketdir",
        "gc": "recentobjectshook repackfilterto",
        "gitcvs": "dbdriver dbname logfile",
        "gpg": "program defaultkeycommand allowedsignersfile revocationfile mintrustlevel",
        # Of the first two git-gui makes words of a command, where Tcl knows `>`; git-cola runs the others.
        "gui": "diffopts spellingdictionary editor historybrowser",
        "guitool": "cmd",
        "help": "browser htmlpath",
        "hook": "*",
        # A cookie file is read; with savecookies it is overwritten by what a server says.
        # A header of one's own, such as Host, leads to another's server at the same address.
        "http": "cookiefile savecookies extraheader useragent curloptresolve delegation emptyauth "
                "followredirects pinnedpubkey proactiveauth proxy proxyauthmethod proxysslcainfo "
                "proxysslcert proxysslkey schannelcheckrevoke schannelusesslcainfo sslbackend sslcainfo "
                "sslcapath sslcert sslcerttype sslcipherlist sslkey sslkeytype ssltry sslverify "
                "sslversion",
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
        # Of what goes on with --continue: as pull.twohead.
        "options": "strategy",
        "pager": "*",
        "promisor": "acceptfromserver acceptfromserverurl advertise sendfields storefields",
        "protocol": "*",
        # Names of strategies: git runs git-merge-NAME.
        "pull": "octopus twohead",
        # Servers take options for their CI.
        "push": "pushoption",
        # It is written into the list of what a rebase does: with %n, so is a line of its own, such as exec.
        "rebase": "instructionformat",
        # With mirror or push, a plain `git push` deletes and overwrites what is there.
        "remote": "uploadpack receivepack vcs url pushurl proxy proxyauthmethod promisor pushdefault mirror "
                  "push serveroption lfsurl lfspushurl lfsdefault lfspushdefault gh-resolved "
                  "gcrypt-participants gcrypt-signingkey",
        "remotes": "*",
        "safe": "*",
        "sendemail": "smtpserver smtpserveroption smtpserverport smtpencryption smtpsslcertpath sendmailcmd "
                     "tocmd cccmd headercmd aliasesfile to cc bcc identity confirm mailmap file blob "
                     "smtpsslclientcert smtpsslclientkey",
        "sequence": "editor",
        # What a server says may steer the terminal.
        "sideband": "*",
        "submodule": "update url gitdir",
        "tar": "command",
        "trace2": "*",
        "trailer": "command cmd",
        "transfer": "bundleuri",
        "uploadpack": "packobjectshook blobpackfileuri",
        "url": "insteadof pushinsteadof",
        "web": "browser",
        # What others read: git-annex, git-branchless, git-cinnabar, git-cola and so on. Of those with "*", a
        # key is a name that somebody gives, or most of them run something or send a token somewhere.
        "annex": "*",
        "branchless": "*",
        "cinnabar": "*",
        "cola": "*",
        "delta": "pager diff-args",
        "gcrypt": "*",
        "ghq": "*",
        "git-p4": "port host",
        "git-town": "*",
        "gitflow": "hooks",
        "githooks": "*",
        "gitreview": "*",
        "gtr": "*",
        "hub": "*",
        "lfs": "path args url pushurl storage clean smudge standalonetransferagent",
        "spice": "*",
        "stgit": "*",
        "svn": "authorsprog",
        "svn-remote": "url pushurl commiturl rewriteroot",
        "tig": "*",
        "transcrypt": "*",
        "wt": "*",
    }.items()
}  # fmt: skip
# How git merges by itself; of another name it runs git-merge-NAME, also where that is a path.
STRATEGIES = ("ort", "recursive", "resolve", "octopus", "ours", "subtree")
# Values of them that leave git as careful as it is without them.
SAFE_VALUES = {
    ("http", "sslverify"): ("true", "yes", "on", "1"),
    ("http", "savecookies"): ("false", "no", "off", "0"),
    ("http", "followredirects"): ("false", "no", "off", "0", "initial"),
    ("core", "protecthfs"): ("true", "yes", "on", "1"),
    ("core", "protectntfs"): ("true", "yes", "on", "1"),
    ("imap", "sslverify"): ("true", "yes", "on", "1"),
    ("options", "strategy"): STRATEGIES,
    ("extensions", "refstorage"): ("files", "reftable"),
    ("remote", "mirror"): ("false", "no", "off", "0"),
    ("remote", "gh-resolved"): ("base",),
}

# Who is asked for it, which is told unless it is a repository that was not there before: a clone has them.
OF_A_CLONE = frozenset((
    ("remote", "url"), ("remote", "mirror"), ("remote", "promisor"), ("extensions", "partialclone"),
    ("svn-remote", "url"),
))  # fmt: skip
