"""Becomes a program that may make this terminal its own: one belongs to one session only, tty_ioctl(4)."""

import fcntl
import os
import signal
import sys
import termios

# Leaving hangs up on who is in the foreground, and that is us.
signal.signal(signal.SIGHUP, signal.SIG_IGN)
fcntl.ioctl(0, termios.TIOCNOTTY)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - exec without a shell is the point
