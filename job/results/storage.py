"""Where results are kept: a file, or whatever smart_open has a scheme for (s3://, gs://, …)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from job.errors import FileError
from job.results.document import Results, parse
from job.words import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from job.results.sweep import Sweep

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_uri(place: str | Path) -> TypeGuard[str]:
    """Return whether a place is a URI, and no path."""
    return isinstance(place, str) and bool(_SCHEME.match(place))


def check_writable(place: str | Path, option: str = "--output") -> None:
    """Find out now, not after an hour, whether something can be written there.

    An object store tells only by being written to: what stands there is written once more, and
    where nothing does, an empty object until the first results come.
    """
    if is_uri(place):
        held = b""
        with contextlib.suppress(FileError):
            held = read(place)
        _put(held, place, f"{option} {place}")
        return
    path = Path(place)
    hint = "Name a file in a folder that exists and is yours."
    with _told(f"{option} {path}: cannot be written", hint):
        if path.exists() and not path.is_file():
            raise OSError("it is there, and no regular file")
        with tempfile.TemporaryFile(dir=path.parent):
            pass


def save(document: Results | Sweep, place: str | Path) -> None:
    """Save the document, so that nobody ever reads half of it; FileError where it cannot be."""
    text = json.dumps(document.model_dump(mode="json"), indent=1, ensure_ascii=False)
    write(f"{text}\n", place)


def write(text: str, place: str | Path) -> None:
    """Write a text: beside its place and moved there, or as a whole object."""
    _put(text.encode(errors="replace"), place, str(place))  # half a surrogate pair


def load(place: str | Path) -> Results:
    """Read a document; FileError where it cannot be, is cut short, or is something else."""
    return parse(read(place), str(place))


def read(place: str | Path) -> bytes:
    """Return what is kept at a place; FileError where it cannot be read."""
    with _told(f"{place}: cannot be read", "Name a file that `--output` wrote."):
        if not is_uri(place):
            return Path(place).read_bytes()
        with _opened(place, "rb") as file:
            held: bytes = file.read()
        return held


def _put(held: bytes, place: str | Path, said: str) -> None:
    with _told(f"{said}: cannot be written", "Name a place that is yours."):
        if is_uri(place):
            with _opened(place, "wb") as file:
                file.write(held)
            return
        path = Path(place).resolve()  # a link stays one
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_bytes(held)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)  # nothing is left of it where all went well


@contextlib.contextmanager
def _told(message: str, hint: str) -> Iterator[None]:
    """Tell whatever goes wrong within as a FileError: every store has errors of its own."""
    try:
        yield
    except FileError:
        raise
    except Exception as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        reason = shorten(reason, 200) or type(error).__name__
        raise FileError(f"{message} ({reason})", hint) from None


def _opened(place: str, mode: str) -> Any:  # noqa: ANN401 - smart_open is not typed
    scheme = place.partition(":")[0]
    try:
        import smart_open

        return smart_open.open(place, mode)
    except ImportError:
        message = f"{place}: what reads and writes {scheme}:// is not installed"
        extra = {"gs": "gcs", "s3a": "s3", "s3n": "s3"}.get(scheme, scheme)
        raise FileError(message, f"pip install 'smart_open[{extra}]'") from None
    except NotImplementedError:
        message = f"{place}: nothing is known that reads and writes this"
        hint = "Name a file, or a URI such as s3://bucket/results.json."
        raise FileError(message, hint) from None
