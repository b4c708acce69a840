"""Of build scripts plain dependencies are not told, and everything else is."""

from pathlib import Path

import pytest

from init.guard import views
from init.guard.build_scripts import QUIET
from tests.unit.guard.projects import put, told

# By view: what usual work adds, and what would run.
LINES = {
    "gradle": (
        """
        implementation("com.example:thing:1.2.3")
        testImplementation 'org.junit:junit:4.13'
        implementation(platform("com.example:bom:1.0"))
        api(project(":core"))
        implementation(libs.kotlin.stdlib)
        // a comment
        include(":app", ":core")
        version = "1.2"
        }
        """,
        r"""
        implementation("com.example:thing:${"x".execute()}")
        implementation(file("x").readText())
        "x".execute()
        id("evil") version "1"
        // \u000a "x".execute()
        exec { commandLine("x") }
        implementation("a:b:1"); "x".execute()
        """,
    ),
    "maven": (
        """
        <dependency>
        <groupId>org.example</groupId>
        <version>1.0</version>
        <spring.version>1.0</spring.version>
        </dependency>
        <!-- a comment -->
        """,
        """
        <plugin>
        <extension>
        <executable>x</executable>
        <version>1</version><plugin>
        <!DOCTYPE x [<!ENTITY y SYSTEM "z">]>
        <module>x</module>
        """,
    ),
    "msbuild": (
        """
        <PackageReference Include="Newtonsoft.Json" Version="13.0.1" />
        <TargetFramework>net9.0</TargetFramework>
        <ItemGroup>
        <Compile Include="src/x.cs" />
        """,
        """
        <Exec Command="x" />
        <Import Project="x.targets" />
        <UsingTask TaskName="x" />
        <TargetFramework>$([System.IO.File]::ReadAllText("x"))</TargetFramework>
        <Project Sdk="Evil.Sdk/1.0">
        <Analyzer Include="x.dll" />
        """,
    ),
    "swift": (
        """
        .package(url: "https://github.com/apple/swift-log.git", from: "1.0.0"),
        .product(name: "Logging", package: "swift-log"),
        "Logging",
        // a comment
        """,
        """
        .plugin(name: "x", capability: .buildTool()),
        .package(path: "../x"),
        system("x")
        """,
    ),
    "mix": (
        """
        {:phoenix, "~> 1.7"},
        {:credo, "~> 1.7", only: [:dev, :test], runtime: false},
        # a comment
        version: "0.1.0",
        """,
        """
        {:x, path: "x"},
        System.cmd("x", [])
        {:x, "#{System.cmd("x", [])}"},
        """,
    ),
    "ruby": (
        """
        gem "rails", "~> 7.1"
        gem 'rspec', require: false
        spec.add_dependency "rake", ">= 13"
        group :development, :test do
        end
        pod 'Alamofire', '~> 5.0'
        """,
        """
        gem "x", path: "x"
        gem "x#{system('x')}"
        system "x"
        eval_gemfile "x"
        plugin "x"
        gem "a"; system "x"
        # encoding: shift_jis
        """,
    ),
    "sbt": (
        """
        libraryDependencies += "org.typelevel" %% "cats-core" % "2.10.0"
        "org.scalatest" %% "scalatest" % "3.2" % Test,
        scalaVersion := "3.3.1"
        """,
        """
        addSbtPlugin("x" % "y" % "1")
        version := "x".!!
        onLoad in Global := { s => s }
        """,
    ),
    "cmake": (
        """
        add_executable(app src/main.cpp
        src/other.cpp
        target_link_libraries(app PRIVATE fmt::fmt)
        find_package(fmt REQUIRED)
        set(CMAKE_CXX_STANDARD 20)
        # a comment
        """,
        """
        execute_process(COMMAND x)
        include(x.cmake)
        set(CMAKE_CXX_COMPILER x)
        add_subdirectory(node_modules/x)
        find_package(${x})
        #[[ execute_process(COMMAND y) ]] execute_process(COMMAND x)
        add_library(x y) execute_process(COMMAND x)
        """,
    ),
    "meson": (
        "'src/x.c',\nfmt = dependency('fmt')\n# a comment",
        "run_command('x')\nsubdir('x')\nx = files('y')",
    ),
    "erlang": ('{cowboy, "2.9.0"},\n% a comment', '{pre_hooks, [{compile, "x"}]}.\n{plugins, [x]}.'),
    "clojure": ('[ring/ring-core "1.9"]\n; a comment', ':plugins [[x "1"]]\n:injections [(x)]\n#=(x)'),
    "nim": ('requires "nim >= 2.0"\nversion = "1"', 'exec "x"\nbefore install:\nlet a = staticExec("x")'),
    "bazel": (
        'bazel_dep(name = "rules_go", version = "0.50")',
        'local_repository(\nload("x", "y")\nuse_repo_rule("x")',
    ),
    "dune": (
        "(library\n(name app)\n(libraries fmt lwt.unix))\n(lang dune 3.0)\nother",
        "(preprocess (pps x))\n(rule (action (run x)))\n(run x)\n(system x)\n(* -*- tuareg -*- *)\n"
        "(include x)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("view", "line"),
    [(view, line.strip()) for view, (usual, _) in LINES.items() for line in usual.split("\n")],
)
def test_usual_lines_are_not_told(view: str, line: str) -> None:
    assert views.settings(view, f"  {line}\r\n".encode()) == {}


@pytest.mark.parametrize(
    ("view", "line"),
    [(view, line.strip()) for view, (_, runs) in LINES.items() for line in runs.strip().split("\n")],
)
def test_what_runs_is_told(view: str, line: str) -> None:
    assert views.settings(view, f"  {line}\n".encode()) == {line: (None,)}


def test_of_a_changed_script_the_new_line_that_runs_is_told(root: Path) -> None:
    script = put(root / "build.gradle", "plugins { id 'java' }\ndependencies {\n}\n")
    dependency = script.read_text().replace("\n}", "\n    implementation 'a:b:1'\n}")
    assert not told(root, lambda: put(script, dependency))
    assert told(root, lambda: put(script, f'{dependency}"x".execute()\n')) == {
        "build.gradle": ("changed", ('"x".execute()',))
    }


def test_every_kind_of_script_is_tried() -> None:
    assert set(LINES) == set(QUIET)


def test_a_line_that_only_some_programs_see_is_told() -> None:
    for end in "\r", "\x0b", "\x85", "\u2028":
        assert views.settings("gradle", f'// a comment{end}"x".execute()\n'.encode()) is None
