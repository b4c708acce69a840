"""The documentation: its tables are those of the code, and its links and paths lead somewhere."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from host.cli import VERBS

REPOSITORY = Path(__file__).parents[2]
REFERENCE = REPOSITORY / "docs" / "reference.md"
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
# A changelog tells of files that are gone.
TODAYS_PAGES = [page for page in PAGES if page.name != "CHANGELOG.md"]
PACKAGES = ("init", "host")

VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
OURS = ("SANDBOX_", "MODEL_", "DEMO_")

# The Dockerfile's base has a digest for a name, which the reference leaves to the Dockerfile. The default of
# SESSION_CA and DATA_DIR is another variable.
NO_SHORT_DEFAULT = {"BASE_IMAGE", "DATA_DIR", "SESSION_CA"}

# Verbs that other pages tell of, and what docs/sessions.md writes in a verb's place.
ELSEWHERE = {"accept", "completion", "doctor", "egress", "reset", "verify"}
FOLDERS = {"workspace"}

# What looks like a path of the repository, and is none, with the reason.
NOT_OURS = {
    ".sandbox/egress.yml": "a project's own",
    "cargo/config.toml": "below data/, where the agent writes it",
    "config/*.key": "the user's own",
    "config/*.pem": "the user's own",
    "data/guard": "made where sessions run",
    "data/projects/.copies": "made with the first copy",
    "data/projects/.copies/NAME/upper": "as that",
    "data/projects/NAME-HASH": "made where a session works on a project",
    "data/quarantine": "made with the first quarantine",
    "data/quarantine-outside": "made with the first quarantine of a repository outside of the workspace",
    "data/untold-report": "made where a report could not be written",
    "sbom/licences.txt": "written by scripts/sbom.sh",
    "sbom/sbom.cdx.json": "written by scripts/sbom.sh",
}


def without_blocks(text: str) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def section(page: Path, title: str) -> str:
    """Return what is below a heading, up to the next one of its level."""
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", page.read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"{page.name} has no heading {title!r}"
    return found[1]


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row of each table, but for the head of a table."""
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        for line in table.splitlines()[2:]:
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def quoted(text: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", text)


def variables(title: str) -> set[str]:
    """Return the variables that a section of the reference has in its first columns."""
    return {name for cells in rows(section(REFERENCE, title)) for name in quoted(cells[0])}


def sources() -> list[Path]:
    """Return the Python files of the packages."""
    return [path for package in PACKAGES for path in sorted((REPOSITORY / package).rglob("*.py"))]


def variables_of_the_code() -> set[str]:
    """Return each string that is a variable's name: all in settings.py, elsewhere those with our prefixes."""
    return {
        node.value
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and VARIABLE.fullmatch(node.value)
        and (node.value.startswith(OURS) or path == REPOSITORY / "init" / "settings.py")
    }


def variables_of_compose() -> set[str]:
    """Return what the compose files hand to containers and builds, and what they put into themselves."""
    text = (REPOSITORY / "compose.yml").read_text()
    opens = (REPOSITORY / "compose.open.yml").read_text()
    services = yaml.safe_load(text)["services"].values()
    handed = [
        entry
        for service in services
        for entry in [*service.get("environment", []), *service.get("build", {}).get("args", [])]
    ]
    names = {entry.partition("=")[0].upper() for entry in handed}
    names |= set(re.findall(r"^      ([A-Z_]+):", opens, re.MULTILINE))
    return names | set(re.findall(r"\$\{(\w+)", text + opens))


def variables_of_the_example() -> set[str]:
    """Return what .env.example shows how to set."""
    return set(re.findall(r"^#?([A-Z_]+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))


def test_the_reference_has_every_variable_and_no_other() -> None:
    known = variables_of_the_code() | variables_of_compose() | variables_of_the_example()
    told, handed_on = variables("Variables"), variables("What the programs of a session get")
    assert len(told) > 30, "the tables were not found"
    assert known - told - handed_on == set(), "known to the code, and not in docs/reference.md"
    assert told - known == set(), "in docs/reference.md, and known to nothing"


def test_what_programs_are_said_to_get_is_set_somewhere() -> None:
    texts = [(REPOSITORY / "Dockerfile").read_text(), *(path.read_text() for path in sources())]
    handed_on = variables("What the programs of a session get")
    assert handed_on
    assert {name for name in handed_on if not any(re.search(rf"\b{name}\b", text) for text in texts)} == set()


def test_the_reference_tells_the_defaults_of_compose_and_dockerfile() -> None:
    compose, dockerfile = (REPOSITORY / name for name in ("compose.yml", "Dockerfile"))
    defaults = re.findall(r"\$\{(\w+):-([^}]+)\}", compose.read_text())
    defaults += re.findall(r"^ARG (\w+)=([^\"\s]+)$", dockerfile.read_text(), re.MULTILINE)
    told = {name: cells[1] for cells in rows(section(REFERENCE, "Variables")) for name in quoted(cells[0])}
    # /dev/null stands for nothing.
    wrong = {
        f"{name}={default}"
        for name, default in defaults
        if default != "/dev/null"
        and name not in NO_SHORT_DEFAULT
        and not re.search(rf"(?<![\w.]){re.escape(default)}(?![\w.])", told.get(name, ""))
    }
    assert wrong == set()


def exit_codes_of_the_code() -> set[int]:
    """Return the exit codes that the two packages have in one table each; 0 is no news."""
    tables = [REPOSITORY / package / "errors.py" for package in PACKAGES]
    assigned = [
        numbers
        for table in tables
        for numbers in re.findall(r"^[A-Z_, ]+ = ([\d, ]+)", table.read_text(), re.MULTILINE)
    ]
    return {int(number) for numbers in assigned for number in numbers.split(",")} - {0}


def test_the_reference_has_every_exit_code_and_no_other() -> None:
    told = {
        int(number)
        for cells in rows(section(REFERENCE, "Exit codes"))
        for number in re.findall(r"\d+", cells[0])
    }
    known = exit_codes_of_the_code()
    assert known - told == set(), "known to the code, and not in docs/reference.md"
    assert told - known == set(), "in docs/reference.md, and known to nothing"


def test_the_sessions_page_has_each_verb_of_sessions_and_no_other() -> None:
    text = (REPOSITORY / "docs" / "sessions.md").read_text()
    named = set(re.findall(r"\./start\.sh ([a-z]+)(?![\w./-])", text)) - FOLDERS
    assert named - VERBS.keys() == set(), "in docs/sessions.md, and no verb"
    assert VERBS.keys() - ELSEWHERE - named == set(), "a verb that docs/sessions.md does not have"


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *$", without_blocks(page.read_text()), re.MULTILINE)
    seen: Counter[str] = Counter()
    found = set()
    for heading in headings:
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`]*`", "", without_blocks(page.read_text()))
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def paths(page: Path) -> set[str]:
    """Return what looks like a path of this repository: in backticks, and in commands."""
    text = page.read_text()
    commands = re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    words = [*quoted(without_blocks(text)), *(word for block in commands for word in block.split())]
    top = {path.name for path in REPOSITORY.iterdir()}
    found = set()
    for word in (word.removeprefix("./") for word in words):
        first, slash, rest = word.partition("/")
        if not re.fullmatch(r"[\w.][\w.*/-]*", word) or not (slash or first in top):
            continue
        if first in top or re.search(r"\w\.(py|sh|md|yml|toml|json|txt|c)$", rest):
            found.add(word)
    return found


def is_there(path: str) -> bool:
    """Tell whether a path, or any of a pattern, is in the repository."""
    return any(REPOSITORY.glob(path.rstrip("/")))


@pytest.mark.parametrize("page", TODAYS_PAGES, ids=lambda page: page.name)
def test_paths_are_there(page: Path) -> None:
    missing = [path for path in sorted(paths(page) - NOT_OURS.keys()) if not is_there(path)]
    assert not missing, f"{page.name} names what is not there: {', '.join(missing)}"


def test_each_exception_is_needed() -> None:
    named = set().union(*map(paths, TODAYS_PAGES))
    assert NOT_OURS.keys() - named == set()


def test_the_readme_can_be_read_at_once() -> None:
    assert len((REPOSITORY / "README.md").read_text().splitlines()) <= 220
