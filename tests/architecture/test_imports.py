"""Who may import whom: the rules of the design that keep the target from Ray and circles out."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A module or package imports from its left only.
ORDER = """
    errors words leaving calls loops chaos document fields forms problems workload workload_files
    targets states agreement recipe metering batch awaiting shard placement pacing arrangement
    recovery stats results timeline storage emitted estimate symptoms costs breakeven advisories
    preflight figures deaths verdict analysis changes gates limits scaling sweeps ray_address
    ray_household ray_cluster ray_guard ray_capacity ray_actors ray_answers ray_losses ray_spawner
    ray_chaos ray_fleet readiness ray_preflight ray_jobs strategies runner ray_calibration subject
    comparison sweeping report library options commands cli main
""".split()  # noqa: SIM905 - read as one line
# Within a package likewise; what is not named comes after, and does not import its like.
FIRST = {
    "strategies": ["base"],
    "report": [
        "table",
        "sweep",
        "drawing",
        "timeline",
        "curves",
        "scale",
        "charts",
        "contents",
    ],
}
# Doors lead in from outside and are imported by nobody, or by name only.
DOORS = {"__init__", "__main__"}
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


def name_of(path: Path) -> tuple[str, ...]:
    """`job/report/table.py` as ("report", "table")."""
    return path.relative_to(ROOT / "job").with_suffix("").parts


def wrong_ray(name: tuple[str, ...], source: str) -> list[Import]:
    """The imports of ray in a file that may not have any."""
    if name[-1].startswith("ray_"):
        return []
    return [each for each in imports(source) if each.name.split(".")[0] == "ray"]


def wrong_way(name: tuple[str, ...], source: str) -> list[Import]:
    """The imports of this package's modules that do not lie to the left."""
    if name[-1] in DOORS:
        return []
    wrong = []
    for each in imports(source):
        top, *rest = each.name.split(".")
        if top == "relative" or (top == "job" and rest and not to_the_left(tuple(rest), name)):
            wrong.append(each)
    return wrong


def to_the_left(imported: tuple[str, ...], importer: tuple[str, ...]) -> bool:
    """Whether the order lets one module import the other."""
    if imported[0] not in ORDER:
        return False
    if imported[0] != importer[0]:
        return ORDER.index(imported[0]) < ORDER.index(importer[0])
    if len(importer) == 1 or len(imported) == 1:
        return False
    first = FIRST.get(importer[0], [])
    before = first[: first.index(importer[1])] if importer[1] in first else first
    return imported[1] in before


def test_every_module_has_its_place_in_the_order() -> None:
    tops = {name_of(path)[0] for path in MODULES} - DOORS
    assert MODULES
    assert tops <= set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "/".join(name_of(path)))
def test_a_module_imports_only_from_its_left(path: Path) -> None:
    assert wrong_way(name_of(path), path.read_text()) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "/".join(name_of(path)))
def test_only_files_named_ray_import_ray(path: Path) -> None:
    assert wrong_ray(name_of(path), path.read_text()) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "/".join(name_of(path)))
def test_no_module_hides_one_of_the_standard_library(path: Path) -> None:
    # `python job/main.py` puts job/ first on the path: job/calendar.py would be everybody's.
    assert name_of(path)[-1] in DOORS or name_of(path)[-1] not in sys.stdlib_module_names


@pytest.mark.parametrize("path", sorted((ROOT / "job" / "targets").glob("*.py")), ids=str)
def test_a_target_knows_neither_ray_nor_us(path: Path) -> None:
    known = {each.name.split(".")[0] for each in imports(path.read_text())}
    assert known.isdisjoint({"ray", "job", "relative"})


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [("job", {"ray", "click", "pydantic", "yaml", "tabulate"}), ("job.cli", {"ray"})],
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
    assert wrong_ray(("runner",), source)
    assert not wrong_ray(("strategies", "ray_shards"), source)


@pytest.mark.parametrize(
    ("name", "source", "allowed"),
    [
        ("shard", "from job.states import canonical", True),
        ("states", "from job.shard import Shard", False),
        ("states", "def f():\n    from job import shard", False),
        ("states", "from job.states import canonical", False),
        ("states", "from . import errors", False),
        ("states", "import job.nobody", False),
        ("strategies/serial", "from job.strategies.base import Strategy", True),
        ("strategies/base", "from job.strategies import serial", False),
        ("strategies/serial", "from job.strategies.ray_shards import RayShards", False),
        ("report/charts", "from job.report.drawing import Chart", True),
        ("report/drawing", "from job.report.charts import charts", False),
        ("cli", "from job.runner import run", True),
        ("__main__", "from job.main import main", True),
    ],
)
def test_the_order_tells_left_from_right(name: str, source: str, allowed: bool) -> None:  # noqa: FBT001
    assert (wrong_way(tuple(name.split("/")), source) == []) == allowed
