"""Feeds the gateway's parsers with what nobody would send, and asks a second reader whether it agrees.

    .venv/bin/python -m tests.fuzzing SECONDS [PARSER...]

__main__   the command
campaign   one parser for a time: change an input, try it, keep what reaches new lines
mutation   bytes made of other bytes
subject    what a parser and its second reader are
http_messages hello questions targets   the parsers; hellos.json has what real clients send first over TLS
"""

from tests.fuzzing.hello import HELLO
from tests.fuzzing.http_messages import ANSWER, CHUNKS, REQUEST
from tests.fuzzing.questions import QUESTION
from tests.fuzzing.targets import AUTHORITY, ENDPOINT

SUBJECTS = {
    "request": REQUEST, "answer": ANSWER, "chunks": CHUNKS, "hello": HELLO, "question": QUESTION,
    "authority": AUTHORITY, "endpoint": ENDPOINT,
}  # fmt: skip
