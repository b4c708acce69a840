"""What interpreters, debuggers and consoles run when they are started in the folder."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("an interpreter or debugger runs it when started in the folder", """
        .gdbinit .gdbearlyinit .lldbinit .cgdb/** .pdbrc .Rprofile .Renviron .RData renv/activate.R .octaverc
        .ghci .iex.exs .irbrc .pryrc .byebugrc .rdbgrc .rdbgrc.rb .ocamlinit .utoprc .pythonrc .pythonrc.py
        .pythonstartup sitecustomize.py usercustomize.py ipython_config.py .ipython/** profile_default/**
        .replyrc .sbclrc .nrepl.edn profiles.clj .user.ini php.ini jupyter_config.py jupyter_lab_config.py
        jupyter_notebook_config.py jupyter_server_config.py jupyter_console_config.py
        jupyter_nbconvert_config.py"""),
    Rule("the database's console runs it when started in the folder", """
        .psqlrc .sqliterc .mongorc.js .duckdbrc"""),
    Rule("the terminal multiplexer runs it", """
        .tmuxinator.yml .tmuxinator.yaml .tmuxp.yml .tmuxp.yaml .tmuxp.json .tmux.conf .screenrc .smug.yml
        .overmind.env"""),
)  # fmt: skip
