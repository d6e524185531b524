"""Where results are kept: a file, or whatever smart_open has a scheme for (s3://, gs://, …)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any, TypeGuard

from job.errors import FileError
from job.results.document import Results, parse
from job.results.sweep import Sweep

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_uri(place: str | Path) -> TypeGuard[str]:
    """Return whether a place is a URI, and no path."""
    return isinstance(place, str) and bool(_SCHEME.match(place))


def check_writable(place: str | Path, option: str = "--output") -> None:
    """Find out now, not after an hour, whether something can be written there.

    An object store tells only by being written to: what stands there is written once more, and
    where nothing does, an empty object until the first results come.

    Raises:
        FileError: It cannot.
    """
    if is_uri(place):
        held = b""
        with contextlib.suppress(FileError):
            held = read(place)
        _write_uri(place, held, f"{option} {place}: cannot be written")
        return
    path = Path(place)
    try:
        if path.exists() and not path.is_file():
            message = f"{option} {path}: cannot be written (it is there, and no regular file)"
            raise FileError(message, "Name another file.")
        descriptor, name = tempfile.mkstemp(prefix=".writable-", dir=path.parent)
        os.close(descriptor)
        Path(name).unlink()
    except OSError as error:
        message = f"{option} {path}: cannot be written ({error.strerror or error})"
        raise FileError(message, "Name a file in a folder that exists and is yours.") from None


def save(document: Results | Sweep, place: str | Path) -> None:
    """Save the document, so that nobody ever reads half of it.

    Raises:
        FileError: It cannot be written.
    """
    text = json.dumps(document.model_dump(mode="json"), indent=1, ensure_ascii=False)
    write(f"{text}\n", place)


def write(text: str, place: str | Path) -> None:
    """Write a text: beside its place and moved there, or as a whole object.

    Raises:
        FileError: It cannot be written.
    """
    if is_uri(place):
        _write_uri(place, text.encode(errors="replace"), f"{place}: cannot be written")
        return
    path = Path(place).resolve()  # a link stays one
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, "utf-8", errors="replace")  # half a surrogate pair
        temporary.replace(path)
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror or error})"
        raise FileError(message) from None
    finally:
        with contextlib.suppress(OSError):  # nothing is left of it where all went well
            temporary.unlink()


def load(place: str | Path) -> Results:
    """Read a document.

    Raises:
        FileError: It cannot be read, is cut short, or is something else.
    """
    return parse(read(place), str(place))


def read(place: str | Path) -> bytes:
    """Return what is kept at a place.

    Raises:
        FileError: It cannot be read.
    """
    try:
        if not is_uri(place):
            return Path(place).read_bytes()
        with _opened(place, "rb") as file:
            held: bytes = file.read()
            return held
    except FileError:
        raise
    except Exception as error:  # every store has its own
        message = f"{place}: cannot be read ({_reason(error)})"
        raise FileError(message, "Name a file that `--output` wrote.") from None


def _write_uri(place: str, held: bytes, message: str) -> None:
    try:
        with _opened(place, "wb") as file:
            file.write(held)
    except FileError:
        raise
    except Exception as error:  # every store has its own
        raise FileError(f"{message} ({_reason(error)})", "Name a place that is yours.") from None


def _opened(place: str, mode: str) -> Any:  # noqa: ANN401 - smart_open is not typed
    try:
        import smart_open

        return smart_open.open(place, mode)
    except ImportError as error:
        scheme = place.partition(":")[0]
        message = f"{place}: what reads and writes {scheme}:// is not installed ({_reason(error)})"
        extra = {"gs": "gcs", "s3a": "s3", "s3n": "s3"}.get(scheme, scheme)
        raise FileError(message, f"pip install 'smart_open[{extra}]'") from None
    except NotImplementedError:
        message = f"{place}: nothing is known that reads and writes this"
        raise FileError(
            message, "Name a file, or a URI such as s3://bucket/results.json."
        ) from None


def _reason(error: BaseException) -> str:
    text = " ".join(str(getattr(error, "strerror", None) or error).split())
    return text[:200] or type(error).__name__
