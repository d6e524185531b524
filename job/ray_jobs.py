"""A submitted job's state, log and exit code, by the Jobs API over plain HTTP.

Ray's own client hangs for 41 s on an address without http://, and needs the whole of Ray to be
imported; the API itself answers at once.
"""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from job.errors import ClusterError, UsageError
from job.ray_address import HOW_TO_BE_LET_IN, own_token

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_S = 30.0
DEFAULT = "http://127.0.0.1:8265"
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


@dataclass(frozen=True)
class JobsApi:
    """A cluster's Jobs API.

    Attributes:
        address: As in http://host:8265.
        headers: What a proxy before it may want to see.
    """

    address: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def job(self, submission_id: str) -> dict[str, Any]:
        """Return what is known of a job.

        Raises:
            ClusterError: There is none of that id, or the API does not let us ask.
        """
        answer: dict[str, Any] = self._ask(submission_id)
        return answer

    def log(self, submission_id: str) -> str:
        """Return all that a job has written.

        Raises:
            ClusterError: As for `job`.
        """
        return str(self._ask(submission_id, "/logs")["logs"])

    def _ask(self, submission_id: str, part: str = "") -> Any:
        path = f"/api/jobs/{urllib.parse.quote(submission_id, safe='')}{part}"
        headers = dict(self.headers)
        if token := own_token():
            headers.setdefault("Authorization", f"Bearer {token}")
        request = urllib.request.Request(self.address + path, headers=headers)  # noqa: S310 - http(s)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error, submission_id) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            message = f"{self.address}: the Jobs API does not answer ({reason})"
            raise ClusterError(
                message, "Is the cluster up, and is that its dashboard's address?"
            ) from None

    def _refused(self, error: urllib.error.HTTPError, submission_id: str) -> ClusterError:
        if error.code in (401, 403):
            what = "it demands a token" if error.code == 401 else "the token is wrong"  # noqa: PLR2004
            return ClusterError(f"{self.address}: not let in, {what}", HOW_TO_BE_LET_IN)
        if error.code == 404:  # noqa: PLR2004
            message = f"{self.address}: there is no job {submission_id!r}"
            return ClusterError(message, "`ray job list` lists them; ids begin with raysubmit_.")
        return ClusterError(f"{self.address}: the Jobs API answers {error.code} {error.reason}")


def choose_api(option: str | None, headers: tuple[str, ...] = ()) -> JobsApi:
    """Return the API that an option or Ray's variables name; the option comes first.

    Raises:
        UsageError: An address that is not one of the Jobs API, or a header without a value.
    """
    named = [("--address", option)]
    named.append(("RAY_API_SERVER_ADDRESS", os.environ.get("RAY_API_SERVER_ADDRESS")))
    if os.environ.get("RAY_ADDRESS", "").startswith("http"):
        named.append(("RAY_ADDRESS", os.environ["RAY_ADDRESS"]))
    source, address = next(((s, a) for s, a in named if a), ("", DEFAULT))
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        message = f"{source} {address}: not an address of the Jobs API"
        raise UsageError(message, "Write it as http://host:8265.")
    given = dict(_header(text) for text in headers)
    return JobsApi(address.rstrip("/"), _headers_of_ray() | given)


def _header(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator) or {"\r", "\n"} & set(text):
        raise UsageError(f"--header {text}: not a header", "Write it as NAME=VALUE.")
    return name, value


def _headers_of_ray() -> dict[str, str]:
    """Return the headers that Ray's own commands send, from RAY_JOB_HEADERS."""
    try:
        found = json.loads(os.environ.get("RAY_JOB_HEADERS") or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        message = "RAY_JOB_HEADERS is not a JSON object of headers"
        raise UsageError(message, 'It looks like {"Cookie": "…"}.')
    return {str(name): str(value) for name, value in found.items()}


def exit_code(job: Mapping[str, Any]) -> int:
    """Return what the driver of an ended job exited with; 1 where nobody knows."""
    code = job.get("driver_exit_code")
    if code is None:
        return 0 if job.get("status") == "SUCCEEDED" else 1
    return int(code) if code >= 0 else 128 - int(code)  # ended by a signal
