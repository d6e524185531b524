"""Metering: calls that wait are told from calls that compute, and few readings stand for all."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from job.planning.estimate import MOST_LOST_S, WAITING, Profile
from job.shard import metering
from job.shard.metering import SAMPLED_OF, Meter, Sampler, core_s, voluntary_switches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LINUX_ONLY = pytest.mark.skipif(
    not (metering.PER_THREAD and hasattr(os, "sched_setaffinity")),
    reason="the system counts no switches, or binds no thread to a CPU",
)
BURNERS = 3
PATIENCE_S = 30.0


# --- switches


@contextmanager
def crowded() -> Iterator[None]:
    """Keep this thread on one CPU, and other processes computing on the same."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        with ExitStack() as burners:
            for _ in range(BURNERS):
                burner = subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
                burners.enter_context(burner)  # awaits its end
                burners.callback(burner.kill)
            yield
    finally:
        os.sched_setaffinity(0, before)


def compute() -> None:
    total = 0
    for number in range(20_000):
        total += number & 3


@LINUX_ONLY
def test_a_call_that_waits_gives_up_its_cpu_at_least_once() -> None:
    before = voluntary_switches()
    for _ in range(5):
        time.sleep(0.0005)
    assert voluntary_switches() - before >= 5


@LINUX_ONLY
def test_calls_that_a_busy_machine_keeps_waiting_still_count_as_computing() -> None:
    with crowded():
        until = time.monotonic() + PATIENCE_S
        calls, wall, cpu = 0, time.perf_counter(), time.thread_time()
        switches = voluntary_switches()
        profile = Profile(0, 0.0, 0.0)
        # Until the clock says, for want of a CPU, that they wait.
        while profile.calls < 100 or profile.wall_s < WAITING * profile.cpu_s:
            assert time.monotonic() < until, "nobody else takes this CPU"
            compute()
            calls += 1
            profile = Profile(
                calls,
                time.perf_counter() - wall,
                time.thread_time() - cpu,
                voluntary_switches() - switches,
            )
    assert profile.wall_s >= WAITING * profile.cpu_s
    assert profile.waits == 1.0


@LINUX_ONLY
def test_a_busy_machine_makes_a_thread_give_up_its_cpu_often() -> None:
    meter = Meter()
    with crowded():
        meter.begin()
        wall, cpu, until = time.perf_counter(), time.thread_time(), time.monotonic() + PATIENCE_S
        while time.perf_counter() - wall < 1.5 * (time.thread_time() - cpu) + 0.3:
            assert time.monotonic() < until, "nobody else takes this CPU"
            compute()
        meter.end()
        lost_s = time.perf_counter() - wall - (time.thread_time() - cpu)
    assert meter.preemptions * MOST_LOST_S >= lost_s


@LINUX_ONLY
def test_calls_that_wait_on_a_busy_machine_still_count_as_waiting() -> None:
    with crowded():
        wall, cpu, switches = time.perf_counter(), time.thread_time(), voluntary_switches()
        for _ in range(5):
            time.sleep(0.005)
        found = Profile(
            5,
            time.perf_counter() - wall,
            time.thread_time() - cpu,
            voluntary_switches() - switches,
        )
    assert found.waits > WAITING


def test_where_the_system_does_not_count_switches_there_are_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metering, "PER_THREAD", 0)
    assert voluntary_switches() == 0


# --- sampling


@dataclass
class Thread:
    """This thread as its clocks show it, without its taking any time."""

    cpu_s: float = 0.0
    clock_s: float = 0.0
    switches: int = 0
    readings: int = 0

    def thread_time(self) -> float:
        """Return the CPU time, and count that it was asked for."""
        self.readings += 1
        return self.cpu_s

    def perf_counter(self) -> float:
        """Return the clock's time."""
        return self.clock_s


@pytest.fixture
def thread(monkeypatch: pytest.MonkeyPatch) -> Thread:
    fake = Thread()
    monkeypatch.setattr(metering, "time", fake)
    monkeypatch.setattr(metering, "voluntary_switches", lambda: fake.switches)
    return fake


def call(sampler: Sampler, thread: Thread, wall_s: float, cpu_s: float, switches: int = 0) -> bool:
    """Make one call, and return whether it was read what it took."""
    sample = sampler.start()
    thread.cpu_s += cpu_s
    thread.switches += switches
    sampler.stop(sample, wall_s)
    return sample is not None


def test_long_calls_are_all_read(thread: Thread) -> None:
    sampler = Sampler()
    assert all(call(sampler, thread, 0.5, 0.125, switches=3) for _ in range(4))
    assert sampler.totals() == (2.0, 0.5, 12)


def test_of_short_calls_one_in_64_is_read_and_stands_for_all(thread: Thread) -> None:
    sampler = Sampler()
    read = [call(sampler, thread, 2**-13, 2**-14, switches=1) for _ in range(10 * SAMPLED_OF)]
    assert read.count(True) == 11  # the first, too: nobody knew how long it would be
    assert thread.readings == 22
    wall_s, cpu_s, switches = sampler.totals()
    assert (wall_s, switches) == (640 * 2**-13, 640)
    assert cpu_s == pytest.approx(640 * 2**-14)


def test_a_long_call_among_short_ones_has_the_next_one_read(thread: Thread) -> None:
    sampler = Sampler()
    lengths = [0.0001, 0.0001, 0.5, 0.0001, 0.0001]
    read = [call(sampler, thread, length, 0.0) for length in lengths]
    assert read == [True, False, False, True, False]


def test_what_calls_took_is_scaled_by_the_clock_and_not_by_their_number(thread: Thread) -> None:
    sampler = Sampler()
    call(sampler, thread, 0.0005, 0.00025)
    call(sampler, thread, 0.0015, 99.0)  # not read: it came after a short one
    assert sampler.totals()[1] == pytest.approx(0.001)


def test_without_a_call_nothing_was_taken() -> None:
    assert Sampler().totals() == (0.0, 0.0, 0)


def test_calls_that_take_turns_on_an_event_loop_are_read_together(thread: Thread) -> None:
    sampler = Sampler(shared=True)
    assert sampler.start() is None
    with sampler.whole():
        for _ in range(3):
            sampler.stop(None, 0.5)  # three at once, a quarter of a second of CPU between them
        thread.cpu_s += 0.25
        thread.switches += 7
    assert sampler.totals() == (1.5, 0.25, 7)


# --- CPU time that calls take elsewhere than in the threads that make them

BURNT_S = 0.15  # of CPU time, long beside a tick and beside what a thread or process takes to begin
BURN = f"import time\nwhile time.process_time() < {BURNT_S}: pass\n"
TOLD = "import sys, time; print(time.process_time(), flush=True); sys.stdin.read()"
PYTHON = [sys.executable, "-S", "-c"]


def burn(seconds: float = BURNT_S) -> float:
    """Compute for so much CPU time, and return how much it was."""
    begin = time.thread_time()
    while time.thread_time() < begin + seconds:
        compute()
    return time.thread_time() - begin


def run_threads(number: int = 2) -> float:
    """Have threads burn CPU time, and return how much, once they have ended."""
    with ThreadPoolExecutor(number) as pool:
        return sum(pool.map(burn, [BURNT_S] * number))


@contextmanager
def metered(meter: Meter | None = None, homes: Iterable[int] = ()) -> Iterator[Meter]:
    meter = meter or Meter()
    meter.begin(homes)
    yield meter
    meter.end()


@contextmanager
def living(command: list[str]) -> Iterator[float]:
    """Keep a child that has told what it computed, and yield that."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdin
        assert child.stdout
        try:
            yield float(child.stdout.readline())
        finally:
            child.stdin.close()


NATIVE_ONLY = pytest.mark.skipif(
    not metering.PROCESSES.is_dir(), reason="the system tells nothing of threads and children"
)


@NATIVE_ONLY
def test_threads_of_the_targets_own_are_counted_after_their_end_too() -> None:
    with metered() as meter:
        took_s = run_threads()
    assert meter.elsewhere_s == pytest.approx(took_s, rel=0.2)


@NATIVE_ONLY
def test_the_thread_that_makes_the_calls_is_counted_by_its_sampler_alone() -> None:
    with metered() as meter:
        burn()
    assert meter.elsewhere_s == 0.0


@NATIVE_ONLY
def test_home_threads_are_counted_by_their_samplers_alone() -> None:
    with ThreadPoolExecutor(1) as home:
        meter = Meter()
        with metered(meter, [home.submit(threading.get_native_id).result()]):
            home.submit(burn).result()
    assert meter.elsewhere_s == 0.0


@NATIVE_ONLY
def test_threads_that_were_there_before_the_target_are_not_counted_even_if_they_end() -> None:
    with ThreadPoolExecutor(1) as rays:
        rays.submit(burn).result()
        meter = Meter()
        meter.begin()
        rays.submit(burn, BURNT_S / 10).result()
    meter.end()
    assert meter.elsewhere_s < BURNT_S / 2


def test_children_that_were_waited_for_are_counted() -> None:
    before = os.times()
    with metered() as meter:
        subprocess.run([*PYTHON, BURN], check=True)
    after = os.times()
    took_s = sum(after[2:4]) - sum(before[2:4])  # in ticks
    assert took_s > BURNT_S * 0.8
    assert meter.elsewhere_s == pytest.approx(took_s, rel=0.2)


@NATIVE_ONLY
def test_a_child_that_lives_on_is_counted() -> None:
    with metered() as meter, living([*PYTHON, BURN + TOLD]) as took_s:
        meter.end()
    assert meter.elsewhere_s == pytest.approx(took_s, rel=0.2)


@NATIVE_ONLY
def test_a_child_that_lives_on_is_counted_with_its_own() -> None:
    burn_twice = f"import subprocess, sys; subprocess.run([*{PYTHON}, {BURN!r}])\n" + BURN
    with metered() as meter, living([*PYTHON, burn_twice + TOLD]) as own_s:
        meter.end()
    assert meter.elsewhere_s == pytest.approx(2 * own_s, rel=0.3)


@NATIVE_ONLY
def test_children_that_were_there_before_the_target_are_not_counted() -> None:
    endless = "print(0, flush=True)\nwhile True: pass"
    child = subprocess.Popen([*PYTHON, endless], stdout=subprocess.PIPE)
    try:
        assert child.stdout
        assert child.stdout.readline()
        with metered() as meter:
            burn()
    finally:
        child.kill()
        child.communicate()
    assert meter.elsewhere_s == 0.0


@NATIVE_ONLY
def test_what_is_too_little_to_be_the_targets_is_nothing() -> None:
    with ThreadPoolExecutor(1) as pool:
        with metered() as meter:
            pool.submit(time.sleep, 0.3).result()
        assert meter.elsewhere_s == 0.0


def test_only_the_first_end_counts() -> None:
    with metered() as meter:
        subprocess.run([*PYTHON, BURN], check=True)
    first = meter.elsewhere_s
    subprocess.run([*PYTHON, BURN], check=True)
    meter.end()
    assert meter.elsewhere_s == first > 0


def test_where_the_system_tells_nothing_of_threads_children_that_have_ended_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metering, "PROCESSES", metering.PROCESSES / "none")
    with metered() as meter:
        run_threads()
    assert meter.elsewhere_s == 0.0
    with metered() as meter:
        subprocess.run([*PYTHON, BURN], check=True)
    assert meter.elsewhere_s >= BURNT_S * 0.9


# --- cores


def test_the_speed_of_a_core_is_the_best_of_some_tries(
    thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = [4.0, 3.0, 0.5, 2.0, 9.0, 0.75, 3.0, 1.0]
    ticks = iter([tick for length in lengths for tick in (10.0, 10.0 + length)])
    monkeypatch.setattr(thread, "perf_counter", lambda: next(ticks))
    assert core_s() == 0.5
    assert next(ticks, None) is None


def test_a_core_takes_some_time_for_a_fixed_piece_of_python() -> None:
    assert 1e-5 < core_s() < 1.0


@pytest.mark.parametrize(
    ("files", "most"),
    [
        ({}, None),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "150000 100000\n"}, 1),
        ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
    ],
)
def test_a_container_has_no_more_cores_than_it_may_take_the_time_of(
    files: dict[str, str], most: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "CGROUPS", tmp_path / "none")
    cores = metering.own_cores()
    monkeypatch.setattr(metering, "CGROUPS", tmp_path)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert metering.own_cores() == min(cores, most or cores)


@pytest.mark.parametrize(
    ("name", "text", "most"),
    [
        ("memory.max", "max\n", None),
        ("memory.max", "4096\n", 4096.0),
        ("memory/memory.limit_in_bytes", "8192\n", 8192.0),
    ],
)
def test_a_container_has_no_more_memory_than_it_may_hold(
    name: str, text: str, most: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "CGROUPS", tmp_path)
    whole = metering.machine_bytes()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert whole > 2**20
    assert metering.machine_bytes() == (most or whole)


def test_what_a_process_holds_grows_with_what_it_is_given() -> None:
    metering.forget_peak()
    before, own = metering.peak_bytes(), metering.own_bytes()
    held = bytes(64 * 2**20).replace(b"\0", b"x")
    assert metering.peak_bytes() - before > len(held) / 2
    assert metering.own_bytes() - own > len(held) / 2
    del held
    assert metering.peak_bytes() - before > 32 * 2**20  # the peak counts
    metering.forget_peak()
    assert metering.peak_bytes() - before < 32 * 2**20


def test_where_pss_cannot_be_read_the_peak_of_all_memory_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(metering, "PROCESSES", tmp_path)
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert metering.peak_bytes() == pytest.approx(peak, rel=0.1)
    assert metering.own_bytes() == 0
    metering.forget_peak()  # nothing happens
