"""What a shell or a login runs in a folder, and what chooses programs there."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("direnv runs it on entering the folder", ".envrc .direnv/* .direnv/bin/*"),
    Rule("a shell runs it on entering the folder", """
        .autoenv .autoenv.zsh .autoenv_leave.zsh .in .out .rvmrc .shadowenv.d/** .env.zsh"""),
    Rule("mise or asdf sets what programs run in the folder", """
        .tool-versions mise.* .mise.* .rtx.* mise/config.* .mise/config.* .config/mise/config.*
        .config/mise/conf.d/* .fvmrc .fvm/* .prototools .proto/** .flox/env/** .asdfrc .miserc.toml"""),
    Rule("a shell or a login runs it, if the folder is or becomes a home", """
        .bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zshenv .zprofile
        .zlogin .zlogout .inputrc .kshrc .cshrc .tcshrc .login .xprofile .xinitrc .xsession
        .config/fish/config.fish .config/fish/conf.d/* .config/autostart/* .config/systemd/user/**
        .config/nvim/** .config/environment.d/* .ssh/** .emacs .emacs.d/** .nanorc .curlrc .wgetrc .netrc
        .tigrc .gnupg/*.conf"""),
)  # fmt: skip
