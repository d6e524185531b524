"""Does Ray win from as many nodes on as the model of one node says?

Three hosts of the tests' lab, each with a core of its own as far as this machine has them: the
driver's, and two that each give Ray one CPU. A comparison on one of them tells from how many nodes
on `sharded` would overtake what is quickest without Ray; a comparison on both tells whether it
does. Run by itself, `python benchmarks/two_nodes.py`; needs root, and what the lab needs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import click

from job.analysis.breakeven import BreakEven
from job.analysis.report import analyse
from job.analysis.rivals import overtakes
from job.results.storage import load
from tests.hosts.lab import hosts, missing

if TYPE_CHECKING:
    from job.analysis.report import Report
    from tests.hosts.lab import Host, Lab

ROOT = Path(__file__).resolve().parent.parent
PORT = 6379
START = (
    "ray start --disable-usage-stats --node-ip-address={address} --object-store-memory=300000000"
)
WORKLOADS = {
    "4 x 1,000 calls that compute 1 ms": "--target 'job.targets.spinner:Spinner(instance, 12000)' "
    "--call 'spin * 1000' --read read --instances 4",
    "8 x 300 calls that compute 2 ms": "--target 'job.targets.spinner:Spinner(instance, 24000)' "
    "--call 'spin * 300' --read read --instances 8",
    "4 x 20 calls that compute 1 ms": "--target 'job.targets.spinner:Spinner(instance, 12000)' "
    "--call 'spin * 20' --read read --instances 4",
    "16 x 20 calls that wait 10 ms": "--target 'job.targets.counter:Counter(0.01)' "
    "--call 'increment * 20' --read read --instances 16",
}


@click.command()
def main() -> None:
    """Compare on one node, then on two; exit with 1 where a prediction failed."""
    if lack := missing():
        raise click.ClickException(lack)
    cores = sorted(os.sched_getaffinity(0))
    with hosts({}) as lab:
        for name, core in zip(lab.hosts, (cores[0], cores[-1], cores[0]), strict=True):
            _confine(lab.hosts[name], core)
        head = lab.hosts["h1"]
        _type(head, f"{START.format(address=head.address)} --head --port={PORT} --num-cpus=0")
        found = {}
        for name in ("h2", "h3"):
            host = lab.hosts[name]
            at = f"--address={head.address}:{PORT}"
            _type(host, f"{START.format(address=host.address)} {at} --num-cpus=1")
            found[name] = {title: _compare(lab, keys) for title, keys in WORKLOADS.items()}
    met = [_judge(title, found["h2"][title], found["h3"][title]) for title in WORKLOADS]
    sys.exit(0 if all(met) else 1)


def _confine(host: Host, core: int) -> None:
    """Let all of a host run on one core."""
    for pid, _ in host.processes():
        os.sched_setaffinity(pid, {core})


def _type(host: Host, line: str) -> None:
    done = host.run(line)
    if done.code:
        raise click.ClickException(done.text)


def _compare(lab: Lab, keys: str) -> Report:
    """Run the command on the head, as a person there would."""
    head, results = lab.hosts["h1"], lab.folder / "results.json"
    line = f"python job/main.py --address {head.address}:{PORT} --trials 3 --output {results}"
    _type(head, f"cd '{ROOT}' && {line} {keys}")
    return analyse(load(results))


def _judge(title: str, one: Report, two: Report) -> bool:
    """Say what one node lets expect of two, and what came of it."""
    row, model = one.row("sharded"), one.model
    without = min(r.elapsed_s for r in one.rows if not r.last.actors)
    if row is None or not isinstance(model, BreakEven):
        raise click.ClickException(f"{title}: no model: {model}")
    wider = overtakes(one, model, row, without)
    expected = wider is not None and wider.nodes <= 2  # noqa: PLR2004
    ahead = min(r.elapsed_s for r in two.rows if r.last.actors)
    behind = min(r.elapsed_s for r in two.rows if not r.last.actors)
    needed = f"from {wider.nodes} nodes on" if wider else "on no number of nodes"
    met = expected == (ahead < behind)
    told = ", ".join(f"{r.strategy} {r.elapsed_s:.2f} s" for r in two.rows)
    click.echo(f"{'✓' if met else '✗'} {title}: predicted to pay {needed}; on two: {told}")
    click.echo(f"  one: {one.answer} {one.ray}\n  two: {two.answer} {two.ray}")
    return met


if __name__ == "__main__":
    main()
