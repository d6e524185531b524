"""What `make submit` takes to the cluster: this package, code of one's own, and what pip installs.

One's own code lies in the root of the job's working directory, beside this package: driver and
workers import from there alike, and find it under relative paths. Ray's py_modules would have
`excludes` and .gitignore leave out of it what was only meant for this repository.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import yaml
from packaging.requirements import InvalidRequirement, Requirement  # Ray brings it
from packaging.utils import canonicalize_name

from job.errors import UsageError
from job.words import count, listed, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
RUNTIME_ENV = "runtime_env.yaml"
LIMIT = 100 * 2**20  # bytes; the Jobs API of Ray 2.48 to 2.60 answers 413 to more
SMALL = 2**20  # bytes, of a file that goes along since it lies beside a module
TOOLS = ("__pycache__", "node_modules")  # and what begins with a dot, such as .git and .venv
# What the comparison imports: ours, Ray, and what comes with it or by runtime_env.yaml.
TAKEN = {"job", "ray", "yaml", "tabulate", "click", "pydantic"}
NOT_IMPORTED = ("setup.py", "conftest.py", "noxfile.py", "tests", "docs")  # as projects have them
HOW_TO_QUOTE = "Spaces separate; what holds some is quoted: WITH=\"'../my code' ../other.py\"."
SAID_ELSEWHERE = {
    "--address": "Write ADDRESS=http://host:8265.",
    "--working-dir": "Write WITH=PATH for code of your own.",
    "--runtime-env": "PIP=NAME adds to it; what else it is to hold goes into runtime_env.yaml.",
    "--runtime-env-json": "PIP=NAME adds to it; the rest of it goes into runtime_env.yaml.",
    "--submission-id": "make submit names the job itself, and says how.",
    "--no-wait": "Ctrl-C leaves the job running, and says how to go on.",
    "--": "The comparison's own options go into ARGS=.",
}


@dataclass(frozen=True)
class Upload:
    """What `ray job submit` is given: paths, and options as they were written."""

    working_dir: str = "."
    runtime_env: str = RUNTIME_ENV
    options: tuple[str, ...] = ()


@contextlib.contextmanager
def packed(
    own: Sequence[Path], requirements: Sequence[str], options: Sequence[str]
) -> Iterator[Upload]:
    """Have what is asked for lie in a temporary folder, as long as it is needed.

    Raises:
        UsageError: It cannot be taken along.
    """
    environment = yaml.safe_load((ROOT / RUNTIME_ENV).read_text())
    environment["pip"] = merge_pip(environment["pip"], requirements)
    if not own and not requirements:
        yield Upload(options=tuple(options))
        return
    with tempfile.TemporaryDirectory(prefix="ray-actor-comparison-") as folder:
        archive, merged = Path(folder, "working_dir.zip"), Path(folder, RUNTIME_ENV)
        if own:
            del environment["excludes"]  # of this folder's
            files = working_dir(own)
            pack(files, archive)
            mine = count(sum(not name.startswith("job/") for name in files), "file")
            whole = f"{size(archive.stat().st_size)} packed, this package included"
            print(f"Taking along {listed([*map(str, own)])}: {mine}, {whole}", file=sys.stderr)
        merged.write_text(yaml.safe_dump(environment))
        yield Upload(str(archive) if own else ".", str(merged), tuple(options))


def split(name: str, text: str) -> tuple[str, ...]:
    """Return the words of a variable, as a shell would split them.

    Raises:
        UsageError: A quote is not closed.
    """
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{name}={text}: {error}", HOW_TO_QUOTE) from None


# --- WITH


def read_with(text: str) -> tuple[Path, ...]:
    """Return the paths that WITH names.

    Raises:
        UsageError: One of them leads nowhere.
    """
    whole = Path(text).expanduser()
    if text and whole.exists():  # as most write it, spaces or not
        return (whole,)
    paths = tuple(Path(word).expanduser() for word in split("WITH", text))
    for path in paths:
        if not path.exists():
            raise UsageError(f"WITH={path}: there is no such file or folder", HOW_TO_QUOTE)
    return paths


def working_dir(own: Sequence[Path]) -> dict[str, Path]:
    """Return which files a job's working directory holds, by their names there.

    Raises:
        UsageError: Something cannot be imported from there, or two have one name.
    """
    whole = {f"job/{name}": file for name, file in _below(ROOT / "job")}
    for path in own:
        for name, file in _files(path).items():
            if _top(name).removesuffix(".py") in TAKEN:
                message = f"WITH={path}: it holds {_top(name)!r}, a name that the job itself needs"
                raise UsageError(message, "Only one of the two can be imported: rename yours.")
            there = whole.setdefault(name, file)
            imported = name.endswith(".py") and _top(name) not in NOT_IMPORTED
            if imported and there != file:
                message = f"WITH={path}: {there} is called {name} as well"
                raise UsageError(message, "Only one of the two can be imported: rename one.")
    return whole


def _files(path: Path) -> dict[str, Path]:
    """Return what is taken of a module, a package or a project, by its names on the cluster."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - `..` has no name; a symlink keeps its own
    if path.is_file():
        if path.suffix != ".py":
            hint = "WITH takes file.py, a package's folder or a project's; PIP what pip installs."
            raise UsageError(f"WITH={path}: it is no Python module", hint)
        return dict(_beside(path))
    if _is_package(path):
        return {f"{path.name}/{name}": file for name, file in _below(path)}
    found, source = dict(_below(path)), path / "src"
    inside = {} if _is_package(source) else dict(_below(source)) if source.is_dir() else {}
    if any(name.endswith(".py") for name in inside):
        hidden = {"src", *map(_top, inside)}
        found = {name: file for name, file in found.items() if _top(name) not in hidden} | inside
    if not any(name.endswith(".py") for name in found):
        raise UsageError(f"WITH={path}: there is nothing in it that Python imports")
    return found


def _beside(module: Path) -> Iterator[tuple[str, Path]]:
    """Yield a module, and the modules, packages and small files of its folder."""
    for entry in _entries(module.parent):
        if _is_package(entry):
            yield from ((f"{entry.name}/{name}", file) for name, file in _below(entry))
        elif entry.is_file() and (entry.suffix == ".py" or entry.stat().st_size <= SMALL):
            yield entry.name, entry


def _below(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[tuple[str, Path]]:
    """Yield a folder's files, those of its folders included, but for what tools leave there."""
    above = (*above, folder.resolve())
    for entry in _entries(folder):
        if entry.is_file():
            yield entry.name, entry
        elif entry.is_dir() and entry.resolve() not in above:
            yield from ((f"{entry.name}/{name}", file) for name, file in _below(entry, above))


def _entries(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"WITH: {folder} cannot be read ({error.strerror})") from None
    for entry in entries:
        tool = entry.name in TOOLS or entry.name.startswith(".") or entry.suffix == ".egg-info"
        if not tool and not (entry / "pyvenv.cfg").exists():
            yield entry


def _is_package(path: Path) -> bool:
    return (path / "__init__.py").is_file()


def _top(name: str) -> str:
    return PurePosixPath(name).parts[0]


def pack(files: Mapping[str, Path], archive: Path) -> None:
    """Put files into an archive, the same for the same files.

    Raises:
        UsageError: It becomes larger than the Jobs API takes, or a file cannot be read.
    """
    try:
        with zipfile.ZipFile(archive, "w") as whole:
            for name, file in sorted(files.items()):
                entry = zipfile.ZipInfo.from_file(file, name, strict_timestamps=False)
                entry.compress_type = zipfile.ZIP_DEFLATED
                with file.open("rb") as source, whole.open(entry, "w") as target:
                    while chunk := source.read(SMALL):
                        target.write(chunk)
                        if archive.stat().st_size > LIMIT:
                            raise _too_much(files)
    except OSError as error:
        raise UsageError(f"WITH: {error.filename or archive}: {error.strerror}") from None


def _too_much(files: Mapping[str, Path]) -> UsageError:
    what = f"{count(len(files), 'file')}, packed over {size(LIMIT)}"
    message = f"WITH: {what}: Ray's Jobs API takes no more"
    by_size = sorted(files, key=lambda name: -files[name].stat().st_size)
    shown = [f"{name} ({size(files[name].stat().st_size)})" for name in by_size[:3]]
    hint = "Put large data where every node reads it. "
    return UsageError(message, f"{hint}The largest: {listed(shown)}.")


# --- PIP


def merge_pip(ours: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the requirements of this package, and those wanted that it does not meet by itself.

    Raises:
        UsageError: One is none, or contradicts ours.
    """
    pinned: dict[str, str] = {canonicalize_name(Requirement(each).name): each for each in ours}
    return [*ours, *(each for each in wanted if _is_new(each, pinned))]


def _is_new(text: str, pinned: Mapping[str, str]) -> bool:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        if "://" in text:  # as in git+https://…, which pip reads by itself
            return True
        message = f"PIP={text}: no requirement as pip reads it ({str(error).splitlines()[0]})"
        raise UsageError(message, "Write PIP='scikit-learn==1.9.1 pandas'.") from None
    name = canonicalize_name(requirement.name)
    if name == "ray":
        message = f"PIP={text}: the job runs on the cluster's own Ray"
        raise UsageError(message, "Leave it out.")
    if name not in pinned:
        return True
    version = pinned[name].partition("==")[2]
    if requirement.url or not requirement.specifier.contains(version, prereleases=True):
        message = f"PIP={text} contradicts the {pinned[name]} that this package was tested with"
        raise UsageError(message, f"Leave it out, or change it in {RUNTIME_ENV}.")
    return bool(requirement.extras)


# --- SUBMIT


def read_submit(text: str) -> tuple[str, ...]:
    """Return further options of `ray job submit`.

    Raises:
        UsageError: One is what `make submit` says itself.
    """
    words = split("SUBMIT", text)
    for word in words:
        option = word.partition("=")[0]
        if option in SAID_ELSEWHERE:
            message = f"SUBMIT={option}: make submit says that itself"
            raise UsageError(message, SAID_ELSEWHERE[option])
    return words
