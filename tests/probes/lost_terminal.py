"""Lets a child take the terminal's foreground and end, then reads from the terminal."""

import os
import signal


def main() -> None:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        os._exit(0)
    os.waitpid(child, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    print("reading", flush=True)
    print("read", os.read(0, 100).decode().strip(), flush=True)


if __name__ == "__main__":
    main()
