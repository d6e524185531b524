"""Who may import whom: the rules of the design that keep the target from Ray and circles out."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A room imports from the lines above it only; rooms of one line do not know each other.
ROWS = [
    line.split()
    for line in """
    errors words signals targets
    workload results
    shard planning
    analysis
    report cluster
    page actors
    running
    commands
    cli main __main__ __init__
    """.strip().splitlines()
]
FLOOR = {room: floor for floor, row in enumerate(ROWS) for room in row}
SMALL = 60  # lines, below which a module with a single importer belongs into that
KNOWS_RAY = {"cluster", "actors"}
PURE = {"actors.recovery"}  # what decides among those, and does nothing
KNOWS_RAYS_PRIVATE_PARTS = {"cluster.private"}
PRIVATE = ("_private", "_raylet", "core", "autoscaler", "experimental", "dashboard", "scripts")
MODULES = sorted((ROOT / "job").rglob("*.py"))


@dataclass(frozen=True)
class Import:
    """One module that a file imports, in whatever form and wherever in the file."""

    name: str
    line: int


def imports(source: str) -> list[Import]:
    """Every module named by an import statement, `from package import module` as package.module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # A relative import has no meaning in a file that is run as a script; none is needed.
            package = "relative" if node.level else str(node.module)
            found += [Import(f"{package}.{alias.name}", node.lineno) for alias in node.names]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            called = called.id if isinstance(called, ast.Name) else called
            if called in {"import_module", "__import__"}:
                found.append(Import(str(node.args[0].value), node.lineno))
    return found


def name_of(path: Path) -> str:
    """`job/report/table.py` as report.table."""
    return ".".join(path.relative_to(ROOT / "job").with_suffix("").parts)


def importers() -> dict[str, set[str]]:
    """Which modules import each module of the package, also for its types alone."""
    found: dict[str, set[str]] = {name_of(path): set() for path in MODULES}
    for path in MODULES:
        for each in imports(path.read_text()):
            full = each.name.removeprefix("job.")
            for name in {full, full.rpartition(".")[0]} & found.keys():
                found[name].add(name_of(path))
    return found


def wrong_ray(name: str, source: str) -> list[Import]:
    """The imports of ray in a file that may not have any, or of what Ray keeps to itself."""
    of_ray = [each for each in imports(source) if each.name.split(".")[0] == "ray"]
    if name.split(".", maxsplit=1)[0] not in KNOWS_RAY or name in PURE:
        return of_ray
    if name in KNOWS_RAYS_PRIVATE_PARTS:
        return []
    return [each for each in of_ray if each.name.split(".")[1:2] and is_private(each.name)]


def is_private(name: str) -> bool:
    """Whether a name of Ray's is one that it may change without a word."""
    _, part, *_ = name.split(".")
    return part in PRIVATE or part.startswith("_")


def wrong_way(name: str, source: str) -> list[Import]:
    """The imports of this package's modules from the same line or from below."""
    room = name.split(".", maxsplit=1)[0]
    if room in ROWS[-1]:
        return []  # doors lead in from outside
    wrong = []
    for each in imports(source):
        top, *rest = each.name.split(".")
        above = rest in ([], ["__version__"]) or (
            rest[0] == room or FLOOR.get(rest[0], 99) < FLOOR[room]
        )
        if top == "relative" or (top == "job" and not above):
            wrong.append(each)
    return wrong


def test_every_module_is_in_a_room_of_the_design() -> None:
    assert {name_of(path).split(".")[0] for path in MODULES} == set(FLOOR)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_imports_only_from_rooms_above_it(path: Path) -> None:
    assert wrong_way(name_of(path), path.read_text()) == []


def test_within_a_room_nothing_goes_in_circles() -> None:
    known = {name_of(path) for path in MODULES}
    graph = {
        name_of(path): {
            inner
            for each in imports(path.read_text())
            for inner in (
                each.name.removeprefix("job."),
                each.name.removeprefix("job.").rpartition(".")[0],
            )
            if each.name.startswith("job.") and inner in known and path.stem != "__init__"
        }
        for path in MODULES
    }
    assert list(TopologicalSorter(graph).static_order())


def test_a_small_file_is_one_that_several_need() -> None:
    doors = {"targets", "commands", *ROWS[-1]}
    small = {
        name_of(path)
        for path in MODULES
        if path.stem != "__init__" and len(path.read_text().splitlines()) < SMALL
    }
    alone = {name for name, known in importers().items() if len(known) < 2}
    assert {name for name in small & alone if name.split(".")[0] not in doors} == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_two_rooms_know_ray_and_one_file_its_private_parts(path: Path) -> None:
    assert wrong_ray(name_of(path), path.read_text()) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_hides_one_of_the_standard_library(path: Path) -> None:
    # `python job/main.py` puts job/ first on the path: job/calendar.py would be everybody's.
    assert path.stem in ROWS[-1] or path.stem not in sys.stdlib_module_names


@pytest.mark.parametrize("path", sorted((ROOT / "job").glob("*/__init__.py")), ids=name_of)
def test_entering_a_room_imports_nothing(path: Path) -> None:
    assert imports(path.read_text()) == []


@pytest.mark.parametrize("path", sorted((ROOT / "job" / "targets").glob("*.py")), ids=name_of)
def test_a_target_knows_neither_ray_nor_us(path: Path) -> None:
    known = {each.name.split(".")[0] for each in imports(path.read_text())}
    assert known.isdisjoint({"ray", "job", "relative"})


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("job", {"ray", "click", "pydantic", "yaml", "tabulate"}),
        ("job.cli", {"ray", "pydantic"}),
        ("job.shard.shard", {"ray", "pydantic"}),
        ("job.actors.recovery", {"ray"}),
    ],
)
def test_importing_a_module_leaves_out(module: str, unwanted: set[str]) -> None:
    # A process of its own: pytest's has loaded much already.
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert module in loaded
    assert unwanted.isdisjoint(loaded)


@pytest.mark.parametrize(
    "source",
    [
        "import ray",
        "import ray.util as util",
        "from ray import get",
        "def f():\n    from ray.util import state",
        "import importlib\nimportlib.import_module('ray')",
        "__import__('ray')",
    ],
)
def test_every_form_of_importing_ray_is_seen(source: str) -> None:
    assert wrong_ray("running.runner", source)
    assert wrong_ray("actors.recovery", source)
    assert not wrong_ray("actors.fleet", source)


@pytest.mark.parametrize(
    "source",
    [
        "from ray import _raylet",
        "from ray._private.state import state",
        "from ray.experimental.internal_kv import internal_kv_get_gcs_client",
        "import ray.core.generated",
    ],
)
def test_what_ray_keeps_to_itself_is_told_from_what_it_offers(source: str) -> None:
    assert wrong_ray("actors.fleet", source)
    assert not wrong_ray("cluster.private", source)
    assert not wrong_ray("cluster.check", "import ray.exceptions\nfrom ray.util import state")


@pytest.mark.parametrize(
    ("name", "source", "allowed"),
    [
        ("shard.shard", "from job.shard.states import canonical", True),
        ("shard.states", "from job.errors import StateError", True),
        ("shard.states", "from job.analysis.stats import ratio", False),
        ("shard.recipe", "def f():\n    from job.planning import layout", False),
        ("results.document", "from job.workload.model import Plan", False),
        ("report.table", "from job.cluster import check", False),
        ("shard.states", "from . import errors", False),
        ("shard.states", "import job.nobody", False),
        ("shard.states", "from job import __version__", True),
        ("shard.states", "from job import run_comparison", False),
        ("cli", "from job.running.runner import Runner", True),
        ("__main__", "from job.main import main", True),
    ],
)
def test_the_rows_tell_above_from_below(name: str, source: str, allowed: bool) -> None:  # noqa: FBT001
    assert (wrong_way(name, source) == []) == allowed
