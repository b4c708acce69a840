"""What Python, its virtual environments, and editors by way of these run."""

from __future__ import annotations

from init.guard.rules.rule import Rule

# Virtual environments have these names, and their libraries a folder for each version of Python.
VENVS = (".venv", ".venv-sandbox", "venv")
_PYTHONS = tuple(f"python3.{minor}" for minor in range(8, 17))
_SITES = tuple(
    f"{venv}/lib/{folder}site-packages/"
    for venv in VENVS
    for folder in ("", *(f"{python}/" for python in _PYTHONS))
)

RULES = (
    Rule("activating the virtual environment runs it; editors do that", " ".join(
        f"{venv}/{name}"
        for venv in VENVS
        for name in (
            "bin/activate", "bin/activate.csh", "bin/activate.fish", "bin/activate_this.py",
            "bin/activate.ps1", "scripts/activate", "scripts/activate.bat", "scripts/activate.ps1"))),
    Rule("editors run the virtual environment's interpreter", " ".join(
        f"{venv}/{name}"
        for venv in VENVS
        for name in (
            "bin/python", "bin/python3", *(f"bin/{python}" for python in _PYTHONS), "scripts/python.exe",
            "pyvenv.cfg"))),
    Rule("the virtual environment's Python runs it at every start", " ".join(
        f"{site}{name}" for site in _SITES for name in ("sitecustomize.py", "usercustomize.py"))),
    Rule("the virtual environment's Python runs its imports at every start", " ".join(
        f"{site}*.pth" for site in _SITES), "pth"),
)  # fmt: skip
