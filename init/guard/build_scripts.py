"""Build scripts that an IDE or a language server runs as soon as it opens a project, line by line.

They are code, so every line is told but for those that can only be what usual work adds: a dependency by
name and version, a source file, the end of a block, a comment. Whether a dependency is good is not known.
"""

from __future__ import annotations

import re

from init.guard.lines import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from init.guard.lines import Reader

# A line that is longer is told: people write none.
_WIDEST = 300
_NAME = r"[\w.@/+-]+"
_VERSION = r"[\w.*~^<>=!|, \[\]()+-]+"
_TEXT = rf"""(?:"{_NAME}"|'{_NAME}')"""
# Without a backslash: Groovy and older Scala know a line's end that is written with one.
_SLASHES = r"//[^\\]*"
_HASH = r"\#(?!\[|!|.*coding)[^\\]*"
_TAG = r"<(?P<tag>{names})>[^<>&$]*</(?P=tag)>"
_OF_MAVEN = _TAG.format(
    names="groupId|artifactId|version|scope|type|optional|name|description|[\\w.-]*[.-]version"
)
_OF_MSBUILD = _TAG.format(
    names="PrivateAssets|IncludeAssets|TargetFrameworks?|Nullable|ImplicitUsings|LangVersion|Version|OutputType"
    "|RootNamespace|AssemblyName|TreatWarningsAsErrors|IsPackable"
)

# By view, what of a line is not told, blanks at both ends aside.
QUIET = {
    "gradle": rf"""
        {_SLASHES}
        | (?:\w*(?:[iI]mplementation|[aA]pi|[cC]ompileOnly|[rR]untimeOnly|[aA]nnotationProcessor)|kapt|ksp)
          [ (] \s* (?:platform\()? (?:libs(?:\.\w+)+|["'][\w.:@+-]+["']|project\(["'][\w:-]+["']\)) [) ]*
        | include [ (] \s* ["'][\w:-]+["'] (?:,\s*["'][\w:-]+["'])* \)?
        | (?:version|group) \s* =? \s* ["'][\w.-]+["']""",
    "maven": rf"""
        <!--[^<>-]*--> | </?(?:dependencies|dependency|exclusions|exclusion)>
        | {_OF_MAVEN}""",
    "msbuild": rf"""
        <!--[^<>-]*--> | </?(?:ItemGroup|PropertyGroup|PackageReference)>
        | <Package(?:Reference|Version) \s+ Include="{_NAME}" (?:\s+Version="{_VERSION}")? \s* /?>
        | <(?:Compile|None|Content|EmbeddedResource|Using) \s+ Include="[\w./\\*-]+" \s* />
        | {_OF_MSBUILD}""",
    "swift": rf"""
        {_SLASHES} | {_TEXT},?
        | \.package\(url:\s*"https://{_NAME}",\s*(?:from|exact|branch|revision):\s*{_TEXT}\),?
        | \.product\(name:\s*{_TEXT},\s*package:\s*{_TEXT}\),?""",
    "mix": rf"""
        {_HASH} | version:\s*{_TEXT},? | [{{]:\w+,\s*"{_VERSION}"
        (?:,\s*(?:only|runtime|optional|override):\s*(?::\w+|\w+|\[[:\w, ]*\]))*[}}],?""",
    "ruby": rf"""
        {_HASH} | end | group\s+:\w+(?:,\s*:\w+)*\s+do | ruby\s+["']{_VERSION}["']
        | (?:gem|pod|brew|\w+\.add_(?:\w+_)?dependency)[ (]\s*{_TEXT} (?:,\s*(?:"{_VERSION}"|'{_VERSION}'))*
          (?:,\s*(?:require|groups?):\s*(?:false|:\w+|\[[:\w, ]*\]))* \)?""",
    "sbt": rf"""
        {_SLASHES} | (?:version|scalaVersion|name|organization)\s*:=\s*{_TEXT},?
        | (?:libraryDependencies\s*\+=\s*)?
          {_TEXT}\s*%%?%?\s*{_TEXT}\s*%\s*{_TEXT} (?:\s*%\s*(?:Test|{_TEXT}))? ,?""",
    "cmake": rf"""
        {_HASH} | [\w./+-]+\.(?:c|cc|cpp|cxx|h|hh|hpp|hxx|m|mm|cu|ui|qrc) \)?
        | (?:add_library|add_executable|target_sources|target_link_libraries|target_include_directories
          |target_compile_features|find_package|cmake_minimum_required|enable_testing)
          [ ]? \( [\w\s./:+-]* \)?
        | set \( CMAKE_(?:C|CXX)_STANDARD\w* \s \w+ \)""",
    "meson": rf"""
        {_HASH} | '[\w./+-]+\.(?:c|cc|cpp|cxx|h|hh|hpp|m|mm|vala|rs)',? | \w+\s*=\s*dependency\({_TEXT}\)""",
    "erlang": rf"%[^\\]* | [{{]\w+,\s*{_TEXT}[}}],?",
    "clojure": r";[^\\]* | \[[\w./-]+\s+\"[\w.-]+\"\]",
    "nim": rf"""{_HASH} | requires\s+"{_VERSION}" | version\s*=\s*{_TEXT}""",
    "bazel": rf"""{_HASH} | bazel_dep\(name\s*=\s*{_TEXT},\s*version\s*=\s*{_TEXT}\)""",
    # Of Lisp's kind: lists that name parts of the project.
    "dune": r"""
        ;[^\\]*
        | (?:\(\s*(?:executables?|library|tests?|names?|public_names?|libraries|modules|package|lang)\b\s*)*
          [\w\s.-]*""",
}


def reader(view: str) -> Reader:
    """Return a reader of the lines that are told, for a name of QUIET."""

    def read(data: bytes) -> Iterator[tuple[str, None]]:
        quiet = re.compile(rf"(?:{QUIET[view]})? [\s)\]}},;]*", re.VERBOSE)
        for line in map(str.strip, split(data)):
            if len(line) > _WIDEST or not quiet.fullmatch(line):
                yield line, None

    return read
