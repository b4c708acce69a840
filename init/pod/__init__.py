"""A task in a cluster: its workspace is fetched, it is done, its result is told.

source   where the workspace comes from
payload  what changed, as text of a log: the result
unpack   the same put into a copy on the user's machine
"""
