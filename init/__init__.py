"""PID 1 of the agentic sandbox, and the programs beside it. Arrows go down; lint-imports checks it.

programs/   one module for each /usr/local/bin/sandbox-*
review/     what a copy of the workspace has that the user's folder has not: shown, and taken
doctor/     the examination of machine, sandbox and model
__main__    PID 1: the root phase, then the session phase
root/       what only root runs: privileges, claims, ownership, the user namespace
session/    PID 1 as the agent: the plan, its preparation, the supervisor, the terminal
guard/      the workspace guard: what the user's own machine would run later
model/      model servers: configuration, discovery, the catalogue, a renderer for each tool
mounts      the mount table
tools accounts program      the tools' definitions, the account files, what every program does first and last
handed_over                 the variables that name the models
formats/ settings signals   syntax, the variables, the signal mask
log errors paths record     what all lean on
output                      writing that does not hang
"""
