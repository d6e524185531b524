"""The Jobs API, asked over HTTP: addresses, headers, tokens, and every way it can refuse."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from job.cluster.jobs import DEFAULT, JobsApi, choose_api, exit_code
from job.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_cluster_around(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS", "RAY_JOB_HEADERS", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", f"{tmp_path}/none")


class Api(BaseHTTPRequestHandler):
    """Knows one job, and wants a token and a cookie."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer as a dashboard does."""
        given = self.headers.get("Authorization")
        self.seen.append(f"{self.path} {self.headers.get('Cookie')}")
        status = 401 if not given else 403 if given != "Bearer right" else 200
        if self.path.startswith("/api/jobs/elsewhere"):
            self.send_response(302)
            self.send_header("Location", "/api/jobs/one")
            self.end_headers()
            return
        if status == 200 and self.path.startswith("/api/jobs/unknown"):
            status = 404
        if self.path.startswith("/api/jobs/broken"):
            status = 500
        answer: object = {"logs": "said"} if self.path.endswith("/logs") else {"status": "FAILED"}
        body = json.dumps(["what else"] if self.path.startswith("/api/jobs/list") else answer)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_job_and_its_log_are_asked_for_with_token_and_headers(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "right")
    api = choose_api(f"{address}/", ("Cookie=a=b",))
    assert api.job("a/b") == {"status": "FAILED"}
    assert api.log("one") == "said"
    assert Api.seen[-2:] == ["/api/jobs/a%2Fb a=b", "/api/jobs/one/logs a=b"]


@pytest.mark.parametrize(
    ("token", "job", "words"),
    [
        ("", "one", "demands a token"),
        ("wrong", "one", "the token is wrong"),
        ("right", "unknown", "there is no job 'unknown'"),
        ("right", "broken", "answers 500"),
        ("right", "elsewhere", "answers 302"),  # a token is not carried on
        ("right", "list", "does not answer .it says something else"),
    ],
)
def test_every_refusal_is_a_sentence(
    address: str, monkeypatch: pytest.MonkeyPatch, token: str, job: str, words: str
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", token)
    with pytest.raises(ClusterError, match=words):
        JobsApi(address).job(job)


def test_an_api_is_knocked_at_before_anything_is_sent(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ClusterError, match="demands a token"):
        JobsApi(address).knock()
    monkeypatch.setenv("RAY_AUTH_TOKEN", "right")
    JobsApi(address).knock()
    assert not JobsApi(address).is_open()


def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret\nsecret")
    with pytest.raises(ClusterError, match="several lines") as refused:
        JobsApi("http://127.0.0.1:9").job("one")
    assert "secret" not in str(refused.value)


def test_a_password_that_lies_about_is_not_sent_instead(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("RAY_AUTH_TOKEN", "right")
    assert JobsApi(address).log("one") == "said"


def test_where_nothing_listens_the_address_is_named() -> None:
    with pytest.raises(ClusterError, match=r"http://127.0.0.1:9: the Jobs API does not answer"):
        JobsApi("http://127.0.0.1:9").job("one")


@pytest.mark.parametrize(
    ("option", "variables", "chosen"),
    [
        (None, {}, DEFAULT),
        (None, {"RAY_API_SERVER_ADDRESS": "http://a:1"}, "http://a:1"),
        (None, {"RAY_ADDRESS": "https://b:2/"}, "https://b:2"),
        (None, {"RAY_ADDRESS": "b:6379"}, DEFAULT),
        ("http://c:3", {"RAY_API_SERVER_ADDRESS": "http://a:1"}, "http://c:3"),
    ],
)
def test_the_option_comes_before_rays_variables(
    monkeypatch: pytest.MonkeyPatch, option: str | None, variables: dict[str, str], chosen: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert choose_api(option).address == chosen


@pytest.mark.parametrize("address", ["host:8265", "ray://host:1", "http://", "8265", "http://[::1"])
def test_an_address_of_another_form_is_refused_at_once(address: str) -> None:
    with pytest.raises(UsageError, match=r"Write it as http://host:8265"):
        choose_api(address)


@pytest.mark.parametrize("header", ["Cookie", "=b", "A=b\r\nC: d"])
def test_a_header_without_name_or_value_is_refused(header: str) -> None:
    with pytest.raises(UsageError, match="NAME=VALUE"):
        choose_api(None, (header,))


def test_rays_own_headers_are_sent_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_JOB_HEADERS", '{"Cookie": "x", "Via": "y"}')
    assert choose_api(None, ("Cookie=z",)).headers == {"Cookie": "z", "Via": "y"}
    monkeypatch.setenv("RAY_JOB_HEADERS", "Cookie")
    with pytest.raises(UsageError, match="RAY_JOB_HEADERS"):
        choose_api(None)


@pytest.mark.parametrize(
    ("job", "code"),
    [
        ({"status": "SUCCEEDED", "driver_exit_code": 0}, 0),
        ({"status": "FAILED", "driver_exit_code": 7}, 7),
        ({"status": "FAILED", "driver_exit_code": -9}, 137),
        ({"status": "STOPPED", "driver_exit_code": None}, 143),
        ({"status": "FAILED"}, None),  # it never started
        ({"status": "SUCCEEDED"}, 0),
    ],
)
def test_the_drivers_own_code_counts(job: dict[str, object], code: int | None) -> None:
    assert exit_code(job) == code
