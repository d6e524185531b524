"""What lies in the repository, how large its parts are, and which of its files must agree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from job import __version__
from job.cluster.versions import TESTED
from tests.tree import ROOT, tracked

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
TOP = set(
    """
    job deploy benchmarks tests docs .ci .gitignore Makefile README.md CHANGELOG.md SECURITY.md
    pyproject.toml constraints.txt runtime_env.yaml cluster.yaml
    """.split(),  # noqa: SIM905 - read as a list of files
)
# What one machine has and no other: homes, work folders, and where packages are fetched.
ONE_MACHINE = re.compile(
    r"/(?:root|work|farm|home)/[a-z.]|https?://[^/\s]*/simple\b|(?:extra-)?index-url"
)
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)
MODULES = sorted((ROOT / "job").rglob("*.py"))


def normalised(name: str) -> str:
    """A package's name, however it is spelled."""
    return re.sub(r"[-_.]+", "-", name.lower())


def pins(text: str) -> dict[str, set[str]]:
    """The exact versions that lines of requirements name, by normalised name."""
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall(text):
        found.setdefault(normalised(name), set()).add(version)
    return found


CONSTRAINTS = pins((ROOT / "constraints.txt").read_text())


def longest_function(source: str) -> int:
    """The lines of the longest function of a source text, 0 if it has none."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return max(
        (
            (node.end_lineno or node.lineno) - node.lineno + 1
            for node in ast.walk(ast.parse(source))
            if isinstance(node, functions)
        ),
        default=0,
    )


def test_the_top_of_the_repository_is_what_the_design_says() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_and_its_functions_can_be_read_at_a_sitting(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= LONGEST_FILE
    assert longest_function(source) <= LONGEST_FUNCTION


def test_the_longest_function_is_found_in_classes_too() -> None:
    assert longest_function("class A:\n  def f(self):\n    x = 1\n    return x\n") == 3


def test_nothing_names_a_machine_or_a_registry() -> None:
    texts = {path: path.read_text(errors="replace") for path in tracked()}
    here = Path(__file__)
    assert [path for path, text in texts.items() if path != here and ONE_MACHINE.search(text)] == []


@pytest.mark.parametrize("text", ["cd /{}/x", "/{}/me/", "--extra-{}-url"])
def test_a_machine_or_a_registry_is_seen(text: str) -> None:
    words = ("root", "home", "index")  # put in here, so that this file itself names none
    assert any(ONE_MACHINE.search(text.format(word)) for word in words)
    assert not ONE_MACHINE.search(text.format("some"))


def test_the_runtime_environment_installs_the_constraints_versions() -> None:
    packages = yaml.safe_load((ROOT / "runtime_env.yaml").read_text())["pip"]
    named = pins("\n".join(packages))
    assert len(named) == len(packages) > 0
    assert named == {name: CONSTRAINTS.get(name) for name in named}


def test_the_package_asks_for_the_tested_range_of_ray_and_pins_its_newest() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    ((oldest, major, beyond),) = re.findall(r'"ray\[default\]>=([\d.]+),<(\d+)\.(\d+)"', project)
    assert (oldest, f"{major}.{int(beyond) - 1}") == TESTED
    (version,) = CONSTRAINTS["ray"]
    assert version.startswith(f"{TESTED[1]}.")


def test_the_oldest_ray_of_the_range_is_among_those_that_make_tests() -> None:
    (made,) = re.findall(r"^RAYS \?= (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"{TESTED[0]}.0" in made.split()


def test_the_constraints_hold_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    form = re.compile(r"[\w.-]+==[\w.!+]+( ; [\w.'<>=! *]+)?")
    assert [line for line in lines if not line.startswith("#") and not form.fullmatch(line)] == []
    assert lines[0].startswith("#")  # what it is, which `make lock` keeps


def test_the_constraints_pin_everything_that_the_package_names() -> None:
    extras = PROJECT["project"]["optional-dependencies"].values()
    named = [*PROJECT["project"]["dependencies"], *(name for extra in extras for name in extra)]
    names = {normalised(re.split(r"[^\w.-]", each)[0]) for each in named}
    assert len(names) > 20
    assert names - CONSTRAINTS.keys() == {"ray-actor-comparison"}  # the one extra names the other


def test_the_wheel_is_to_hold_every_file_of_the_package() -> None:
    # What is no module goes into it only where pyproject.toml names it; modules need an __init__.
    held = {path for path in tracked() if path.is_relative_to(ROOT / "job")}
    named = PROJECT["tool"]["setuptools"]["package-data"]
    data = {
        path
        for package, globs in named.items()
        for each in globs
        for path in (ROOT / package.replace(".", "/")).glob(each)
    }
    modules = {path for path in held if path.suffix == ".py"}
    assert held - modules == data - modules
    assert all((path.parent / "__init__.py").is_file() for path in modules)


def test_one_place_holds_the_version() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "job.__version__"}
    here = Path(__file__)
    texts = [p.read_text() for p in tracked() if p.suffix in (".py", ".toml") and p != here]
    assert sum(f'version__ = "{__version__}"' in text for text in texts) == 1
    wheels = re.findall(r"ray_actor_comparison-([\d.]+)-", (ROOT / "docs/install.md").read_text())
    assert set(wheels) == {__version__}


def test_make_help_lists_every_target() -> None:
    listed = subprocess.run(
        ["make", "help"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    phony = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert re.findall(r"^  make (\S+)", listed, re.MULTILINE) == " ".join(phony).split()


def test_the_tests_that_the_docs_name_exist() -> None:
    text = (ROOT / "docs" / "fault-tolerance.md").read_text()
    file, found = "", 0
    for name, test in re.findall(r"`(?=tests/|::)(tests/[\w/]+\.py)?(?:::(\w+))?`", text):
        file = name or file
        held = (ROOT / file).read_text()
        assert not test or f"def {test}(" in held, f"{file}::{test}"
        found += bool(test)
    assert found > 10
