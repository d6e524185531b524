"""A submitted job's state, log and exit code, by the Jobs API over plain HTTP.

Ray's own client hangs for 41 s on an address without http://, and needs the whole of Ray to be
imported; the API itself answers at once.
"""

from __future__ import annotations

import json
import os
import signal
import urllib.parse
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import requests

from job.cluster.address import HOW_TO_BE_LET_IN, own_token
from job.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_S = 30.0
DEFAULT = "http://127.0.0.1:8265"
NOT_LET_IN = (401, 403)
VERSION = "/api/version"
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


@dataclass(frozen=True)
class JobsApi:
    """A cluster's Jobs API."""

    address: str  # as in http://host:8265
    headers: Mapping[str, str] = field(default_factory=dict)  # what a proxy may want to see
    token: str = field(default_factory=own_token, repr=False)  # what it is shown, if anything

    def job(self, submission_id: str) -> dict[str, Any]:
        """Return what is known of a job.

        Raises:
            ClusterError: There is none of that id, or the API does not let us ask.
        """
        return self._ask(_path(submission_id), submission_id)

    def log(self, submission_id: str) -> str:
        """Return all that a job has written; see `job`."""
        return str(self._ask(f"{_path(submission_id)}/logs", submission_id).get("logs") or "")

    def knock(self) -> None:
        """Find out whether the API answers, and to us.

        Raises:
            ClusterError: It does not.
        """
        self._ask(VERSION)

    def is_open(self) -> bool:
        """Return whether whoever comes is let in.

        Raises:
            ClusterError: The API does not answer.
        """
        bare = replace(self, token="")
        return bare._get(VERSION).status_code not in NOT_LET_IN  # noqa: SLF001 - one like us

    def _ask(self, path: str, submission_id: str = "") -> dict[str, Any]:
        reply = self._get(path)
        if reply.status_code != requests.codes.ok:
            raise self._refusal(reply, submission_id)
        try:
            answer = reply.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._silence("it says something else")
        return answer

    def _get(self, path: str) -> requests.Response:
        if not (self.token.isascii() and self.token.isprintable()):
            message = "the token is none: it has several lines, or what is no plain letter"
            raise ClusterError(message, HOW_TO_BE_LET_IN)
        # The token goes nowhere else, wherever an answer leads, and none from ~/.netrc goes here.
        try:
            return requests.get(
                self.address + path, headers=dict(self.headers), auth=self._sign,
                timeout=ANSWER_S, allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            raise self._silence(str(_root(error))) from None

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token:
            request.headers.setdefault("Authorization", f"Bearer {self.token}")
        return request

    def _silence(self, reason: str) -> ClusterError:
        message = f"{self.address}: the Jobs API does not answer ({reason})"
        return ClusterError(message, "Is the cluster up, and is that its dashboard's address?")

    def _refusal(self, reply: requests.Response, submission_id: str) -> ClusterError:
        if reply.status_code in NOT_LET_IN:
            what = "it demands a token" if reply.status_code == 401 else "the token is wrong"  # noqa: PLR2004
            return ClusterError(f"{self.address}: not let in, {what}", HOW_TO_BE_LET_IN)
        if reply.status_code == 404 and submission_id:  # noqa: PLR2004
            message = f"{self.address}: there is no job {submission_id!r}"
            begins = "ids begin with raysubmit_ or, of `make submit`, comparison_"
            return ClusterError(message, f"`ray job list` lists them; {begins}.")
        status = f"{reply.status_code} {reply.reason}"
        return ClusterError(f"{self.address}: the Jobs API answers {status}")


def _root(error: BaseException) -> BaseException:
    """Return what began it, such as a refused connection."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error


def _path(submission_id: str) -> str:
    return f"/api/jobs/{urllib.parse.quote(submission_id, safe='')}"


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
    if not _is_url(address):
        message = f"{source} {address}: not an address of the Jobs API"
        raise UsageError(message, "Write it as http://host:8265.")
    given = dict(_header(text) for text in headers)
    return JobsApi(address.rstrip("/"), _headers_of_ray() | given)


def _is_url(address: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(address)
    except ValueError:  # half an IPv6 address
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


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


def exit_code(job: Mapping[str, Any]) -> int | None:
    """Return what the driver of an ended job exited with; None where nobody knows.

    Of one that was stopped Ray keeps no code: it is ended by SIGTERM.
    """
    code = job.get("driver_exit_code")
    if code is None:
        return {"SUCCEEDED": 0, "STOPPED": 128 + signal.SIGTERM}.get(str(job.get("status")))
    return int(code) if code >= 0 else 128 - int(code)  # ended by a signal
