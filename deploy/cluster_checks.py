"""What a cluster file must not have: an open door, or versions that are not the package's.

`ray up` would not mind either. Pure: a file's keys in, sentences out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from job.cluster.address import TOKEN_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
STARTS = ("head_start_ray_commands", "worker_start_ray_commands")
START = re.compile(r"((?:\w+=\S*\s+)*)ray start\b")
DASHBOARD = re.compile(r"--dashboard-host[= ](\S+)")
HERE = ("127.0.0.1", "localhost")
WIDE = 8  # bits of a prefix: shorter ones are a good part of the world
RAY = re.compile(
    r"(?:\bray(?:\[\w+\])?==|\bray\.__version__ != '|rayproject/ray[\w-]*:)(\d+\.\d+\.\d+|\w+)"
)
PYTHON = re.compile(r"\bpython(3\.\d+)|rayproject/ray:[\d.]+-py(3\d+)")


@dataclass(frozen=True)
class Versions:
    """What the package runs on: Ray's version, and the oldest Python as (3, 10)."""

    ray: str
    python: tuple[int, int]


def own_versions() -> Versions:
    """Read the package's versions from constraints.txt and pyproject.toml."""
    (ray,) = re.findall(r"(?m)^ray==(\S+)", (ROOT / "constraints.txt").read_text())
    project = (ROOT / "pyproject.toml").read_text()
    (minor,) = re.findall(r'requires-python = ">=3\.(\d+)"', project)
    return Versions(ray, (3, int(minor)))


def problems(config: dict[str, Any], versions: Versions) -> list[str]:
    """Return why a cluster of this file must not be started; nothing where it may."""
    return [*_open(config), *_exposed(config), *_unlike(config, versions)]


def pythons(text: str) -> set[tuple[int, int]]:
    """Return the Pythons that commands and images name."""
    found = (dotted or f"3.{tag[1:]}" for dotted, tag in PYTHON.findall(text))
    return {(3, int(each.partition(".")[2])) for each in found}


def _open(config: dict[str, Any]) -> Iterator[str]:
    """Find nodes that demand no token, or have none to show."""
    for key in STARTS:
        starts = [found[1] for line in _texts(config.get(key)) for found in START.finditer(line)]
        if not starts or not all(map(_is_closed, starts)):
            yield f"{key}: `ray start` without RAY_AUTH_MODE=token lets everybody run code there"
    if TOKEN_FILE not in (config.get("file_mounts") or {}):
        yield f"file_mounts: without {TOKEN_FILE} the nodes have no token to demand"


def _is_closed(variables: str) -> bool:
    """Return whether the variables before a `ray start` have it demand a token."""
    return dict(each.split("=", 1) for each in variables.split()).get("RAY_AUTH_MODE") == "token"


def _exposed(config: dict[str, Any]) -> Iterator[str]:
    """Find ways in from everywhere."""
    hosts = [host for line in _texts(config.get(STARTS[0])) for host in DASHBOARD.findall(line)]
    for host in hosts:
        if host not in HERE:
            yield f"--dashboard-host {host}: the Jobs API must be the head's own, 127.0.0.1"
    for range_ in _texts(config["provider"].get("security_group")):
        _, slash, bits = range_.partition("/")
        if slash and bits.isdigit() and int(bits) < WIDE:
            yield f"security_group: {range_} is the whole world; name who may come in"


def _unlike(config: dict[str, Any], versions: Versions) -> Iterator[str]:
    """Find another Ray, or a Python that is too old or not the same everywhere."""
    text = "\n".join(_texts(config))
    for other in sorted(set(RAY.findall(text)) - {versions.ray}):
        yield f"it installs Ray {other}, and constraints.txt has {versions.ray}"
    found = pythons(text)
    named = [f"{major}.{minor}" for major, minor in sorted(found)]
    if len(named) > 1:
        yield f"it names several Pythons, {' and '.join(named)}: nodes must have one"
    if found and min(found) < versions.python:
        yield f"Python {named[0]} is older than 3.{versions.python[1]}, the oldest that will do"


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a file's values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
