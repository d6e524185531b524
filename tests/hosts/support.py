"""What both clusters are held to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from job.planning.layout import LOCAL
from tests.e2e.support import report_in

if TYPE_CHECKING:
    from tests.hosts.conftest import Up

LITERAL = "cd ray-actor-comparison && ray job submit -- python job/main.py"
ORDERED = (
    "--target 'ledgers:Ledger(start=instance)' --call 'book(7) * 5' --call 'book(instance)'"
    " --read total --instances 4"
)
POST = (
    "curl -s -o /dev/null -w '%{http_code} ' -X POST -H 'Content-Type: application/json'"
    """ -d '{"entrypoint":"true"}' http://127.0.0.1:8265/api/jobs/"""
)


def check_spread(up: Up, log: str) -> None:
    """Check that every strategy's actors ran on all nodes that are not the head, and only there."""
    workers = {host.address for host in up.lab.hosts.values()} - {up.head.address}
    report = report_in(log)
    begin = next(n for n, line in enumerate(report) if re.match("strategy +node ", line))
    rows = [line.split() for line in report[begin + 2 : report.index("", begin)]]
    assert rows
    for strategy in {row[0] for row in rows} - {*LOCAL}:
        assert {row[2] for row in rows if row[0] == strategy} == workers, log


def codes(up: Up) -> list[str]:
    """Return what the Jobs API answers to no, a wrong and the right token."""
    right = f"-H 'Authorization: Bearer {up.token}'"
    asked = [POST, f"{POST} -H 'Authorization: Bearer wrong'", f"{POST} {right}"]
    return up.head.run("; ".join(asked)).stdout.split()
