"""Which Ray to connect to, and whether it will have us: asked in seconds, before Ray is started.

Left alone `ray.init` waits 820 s where nothing listens and 20 s where the token is wrong, and
names the reason on stderr only. Its own first question, asked over gRPC, is answered in 10 ms.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from job.cluster import private
from job.cluster.versions import Versions, check_alike, own_versions
from job.errors import ClusterError, UsageError
from job.workload.importing import JOB_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_S = 3.0  # how long a cluster may take to answer its first question
GCS_PORT = 6379
TOKEN_FILE = "~/.ray/auth_token"  # noqa: S105 - where it lies, not what it is
HOW_TO_BE_LET_IN = (
    "Put the cluster's token into ~/.ray/auth_token, or into RAY_AUTH_TOKEN, "
    "and set RAY_AUTH_MODE=token."
)


def choose(option: str | None, environ: Mapping[str, str]) -> str:
    """Return where Ray is: `job` in a submitted one, `local` for our own, `auto` or HOST:PORT.

    The option comes before RAY_ADDRESS, the job before both.

    Raises:
        UsageError: The address has a form that cannot work.
    """
    if JOB_VARIABLE in environ:
        return "job"
    named = option or environ.get("RAY_ADDRESS") or "local"
    source = "--address" if option else "RAY_ADDRESS"
    return named if named in ("local", "auto") else _host_and_port(named, source)


def _host_and_port(address: str, source: str) -> str:
    scheme, separator, rest = address.partition("://")
    if separator:
        named = rest.split("/")[0]
        host = named.rpartition(":")[0] or named
        message = f"{source} {address}: a {scheme}:// address cannot be used here"
        if scheme in ("http", "https"):
            hint = (
                f"That is the address of the Jobs API. Submit a job to it (ray job submit --address"
                f" {address} -- python job/main.py), or name Ray's own port: {host}:{GCS_PORT}."
            )
        else:
            hint = f"Ray Client is not supported. Name Ray's own port instead: {host}:{GCS_PORT}."
        raise UsageError(message, hint)
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 2**16:
        message = f"{source} {address!r}: not an address"
        raise UsageError(message, f"It is local, auto or HOST:PORT, such as 10.0.0.5:{GCS_PORT}.")
    return address


def find_the_running_one() -> str:
    """Return the address of the one cluster that runs on this machine.

    Raises:
        ClusterError: There is none, or there are several.
    """
    found = private.gcs_addresses()
    if len(found) == 1:
        return found[0]
    if found:
        message = f"--address auto: several clusters run on this machine ({', '.join(found)})"
        raise ClusterError(message, "Name one of them with --address HOST:PORT.")
    message = "--address auto: no cluster runs on this machine"
    raise ClusterError(message, "Start one (make cluster), or leave --address out.")


def knock(address: str) -> None:
    """Ask the cluster for its id, with the token if it wants one; set RAY_AUTH_MODE for Ray then.

    Raises:
        ClusterError: Nothing listens, it is no Ray, its versions are not ours, or it does not
            accept our token.
    """
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S).close()
    except OSError as error:
        message = f"{address}: cannot connect ({error.strerror or error})"
        hint = f"Is the cluster up, and is that the port of its GCS ({GCS_PORT} by default)?"
        raise ClusterError(message, hint) from None
    if os.environ.get("RAY_USE_TLS", "0") == "1":
        return  # the certificates are Ray's business
    token, shown = own_token(), ""
    answer = private.ask_cluster_id(address, shown, ANSWER_S)
    if answer == "UNAUTHENTICATED" and token:
        shown = token
        answer = private.ask_cluster_id(address, shown, ANSWER_S)
        if answer == "OK":
            os.environ["RAY_AUTH_MODE"] = "token"
            private.reload_settings()
    if answer == "UNAUTHENTICATED":
        what = "its token is wrong" if token else "it demands a token and there is none here"
        message = f"{address}: the cluster does not let this driver in: {what}"
        raise ClusterError(message, HOW_TO_BE_LET_IN)
    if answer not in ("OK", ""):
        message = f"{address}: something listens there, but it is not Ray's GCS ({answer})"
        raise ClusterError(message, f"The GCS has port {GCS_PORT} by default; 8265 is another.")
    if theirs := private.ask_versions(address, shown, ANSWER_S):
        check_alike(address, Versions(*theirs), own_versions())


def is_open(address: str) -> bool | None:
    """Return whether the cluster answers without a token; None where that cannot be told."""
    if os.environ.get("RAY_USE_TLS", "0") == "1":
        return None
    answer = private.ask_cluster_id(address, "", ANSWER_S)
    return {"OK": True, "UNAUTHENTICATED": False}.get(answer)


def own_token() -> str:
    """Return the token that Ray would use here, or nothing."""
    token = os.environ.get("RAY_AUTH_TOKEN", "").strip()
    return token or _read_token(os.environ.get("RAY_AUTH_TOKEN_PATH") or TOKEN_FILE)


def _read_token(path: str) -> str:
    try:
        return Path(path).expanduser().read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""


def ensure_token(path: str = "") -> bool:
    """Have Ray make a token, unless there is one; return whether it was made.

    Args:
        path: Where it has to lie; else wherever Ray looks for it.

    Raises:
        ClusterError: There is none still.
    """

    def read() -> str:
        return _read_token(path) if path else own_token()

    if read():
        return False
    command = [*private.COMMAND, "get-auth-token", "--generate"]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603
    if not read():
        where = path or "Ray"
        raise ClusterError(f"{where} holds no token, and none can be made: nothing was started.")
    made = path or os.environ.get("RAY_AUTH_TOKEN_PATH") or TOKEN_FILE
    with contextlib.suppress(OSError):
        Path(made).expanduser().chmod(0o600)  # Ray lets everybody on this machine read it
    return True


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
