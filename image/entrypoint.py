"""PID 1's program, in both phases; its packages lie beside it."""

import sys

sys.path.insert(0, "/opt/sandbox")
from init.__main__ import main

sys.exit(main(sys.argv[1:]))
