"""One comparison, from a workload and a plan to its results: the story, each step in its room."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from job.cluster.autoscaler import lay_out, preview
from job.cluster.check import check_all, check_nodes
from job.cluster.connection import session
from job.cluster.travel import find_source, pack
from job.planning.estimate import (
    Cores,
    Loop,
    Profile,
    Rehearsal,
    estimate,
    lay_out_loop,
    sample_size,
)
from job.planning.layout import LOCAL
from job.planning.local import Machine, add_local
from job.results.document import BY_VALUE
from job.running.calibration import calibrate
from job.running.hosted import Hosted
from job.running.local import Local
from job.running.preparation import begin, recipe_of
from job.running.runner import Runner
from job.running.serial import Serial
from job.running.sharded import Sharded
from job.running.tryout import profile_of
from job.shard.metering import machine_bytes, own_cores

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from job.analysis.checks import Check
    from job.cluster.connection import Site
    from job.cluster.travel import Subject
    from job.planning.layout import Arrangement
    from job.results.document import Results, Trial
    from job.running.listener import Listener
    from job.running.strategy import Strategy
    from job.shard.recipe import Recipe
    from job.signals import Leaving
    from job.workload.model import Plan, Workload

REHEARSED_S = (0.000001, 0.001, 1.0)  # what a call may take, as nobody knows before it is made


def run(subject: Subject, address: str, *, leaving: Leaving, listener: Listener) -> Results:
    """Run a comparison of what was prepared.

    Args:
        subject: What is compared.
        address: Where Ray is, as `choose` returns it.
        leaving: The signals that end it before its time.
        listener: Told how it gets on, and shown the results at the end, whatever that is.

    Raises:
        JobError: What went wrong, and how to go on.
    """
    with connect(subject.recipe, address, leaving, listener) as site:
        return compare(subject, site, listener)


def connect(
    recipe: Recipe, address: str, leaving: Leaving, listener: Listener
) -> AbstractContextManager[Site]:
    """Return a session in which it is known how a target travels; see `session`."""
    source = find_source(recipe.target.module) if recipe.make is None else None
    return session(address, leaving, listener.note, source)


def compare(
    subject: Subject, site: Site, listener: Listener, serial: Trial | None = None
) -> Results:
    """Lay a comparison out over the cluster that is connected, and run it.

    `serial` is a trial of the same loop, where there was one before: it knows more of the calls
    than the try-out, and by the times of its very instances the actors are to correct it.

    Raises:
        JobError: What went wrong, and how to go on.
    """
    workload, plan = subject.workload, subject.plan
    profile = profile_of(workload, subject.tried) if subject.tried else None
    if serial:
        profile = Profile.of([serial], workload.instances, profile.load_s if profile else 0.0)
    site, laid_out = lay_out(workload, plan, site, profile)
    if subject.recipe.make is not None:  # it is nowhere else, as a notebook's class is
        site = replace(site, travel=BY_VALUE)
    subject = replace(subject, packed=pack(subject.recipe, site.travel))
    check_nodes(site, subject.packed, plan.startup_timeout_s)
    machine = this_machine()
    laid_out = add_local(laid_out, workload, plan, profile, machine)
    memory = machine.memory_bytes if plan.serial_on == "driver" else math.inf
    sample = sample_size(workload, plan, profile, memory)
    runner = Runner(begin(subject, site, laid_out), subject, listener)
    with runner.recording():
        if laid_out.chosen:
            listener.tell(f"sharded: {laid_out.chosen}")
        if profile and profile.calls:
            cores = Cores(site.cluster.cores, machine.cores)
            listener.tell(str(estimate(workload, profile, cores, laid_out.layouts, sample)))
        calls_s = subject.tried.calls_s if subject.tried else ()
        loop = lay_out_loop(workload, plan, sample, calls_s)
        if serial and serial.sample:
            loop = replace(loop, order=serial.sample.numbers)
        runner.run(build_strategies(subject, site, laid_out, loop), profile)
        runner.note(calibration=calibrate(runner.results, subject, site, listener))
    return runner.results


def this_machine() -> Machine:
    """Return what the driver's machine has for a comparison."""
    return Machine(own_cores(), machine_bytes())


def build_strategies(
    subject: Subject, site: Site, laid_out: Arrangement, loop: Loop
) -> list[Strategy]:
    """Return the plan's strategies that have a place."""
    workload, plan, layouts = subject.workload, subject.plan, laid_out.layouts
    return [
        Serial(subject.recipe, workload.instances, plan.most_s, loop)
        if name not in layouts
        else Hosted(subject, site, layouts[name], loop)
        if name == "serial"
        else Local(name, layouts[name], subject, loop.order)
        if name in LOCAL
        else Sharded(name, layouts[name], subject, site, loop.order)
        for name in plan.strategies
        if name not in laid_out.omitted
    ]


def rehearse(
    workload: Workload, plan: Plan, address: str, leaving: Leaving, listener: Listener
) -> Rehearsal:
    """Say what `run` would do on this cluster; nothing of the target is imported or run.

    Raises:
        ClusterError: There is no cluster, or what is asked for can never be placed on it.
    """
    with session(address, leaving, listener.note) as site:
        laid_out = preview(workload, plan, site.cluster)
        machine = this_machine()
        laid_out = add_local(laid_out, workload, plan, None, machine)
        cores = Cores(site.cluster.cores, machine.cores)
        estimates = {}
        for call_s in REHEARSED_S:
            each = Profile(1, call_s, call_s, switches=0)
            sample = sample_size(workload, plan, each)
            estimates[call_s] = estimate(workload, each, cores, laid_out.layouts, sample)
        return Rehearsal(
            cluster=site.cluster,
            layouts=laid_out.layouts,
            fits=laid_out.fits,
            omitted=laid_out.omitted,
            estimates=estimates,
            strategies=tuple(name for name in plan.strategies if name not in laid_out.omitted),
        )


def check(
    workload: Workload, plan: Plan, address: str, leaving: Leaving, listener: Listener
) -> Check:
    """Say whether the cluster is fit for the comparison; nothing of the target is called.

    Raises:
        ClusterError: There is no cluster, or the nodes that are waited for did not come.
    """
    recipe = recipe_of(workload)
    with connect(recipe, address, leaving, listener) as site:
        return check_all(workload, plan, site, pack(recipe, site.travel))
