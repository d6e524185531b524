"""Targets whose calls compute in other places than the thread that makes them, and one that waits.

Each notes in a file of its process what CPU time its work took, by the clocks of those who did it.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

SIZE = 24 * 2**20  # bytes, hashed in some 20 ms: long beside what a thread takes to wake
COUNT = 400_000  # numbers, summed up in as long
WAIT_S = 0.05
SOURCE = f"""\
import time
total = 0
for number in range({COUNT}):
    total += number & 3
print(time.process_time())
"""


def hash_all(buffer: bytes) -> float:
    """Hash a buffer, which lets other threads get on, and return what CPU time that took."""
    begin = time.thread_time()
    hashlib.sha256(buffer).digest()
    return time.thread_time() - begin


def add_up(count: int) -> float:
    """Sum numbers up, and return what CPU time that took."""
    begin, total = time.thread_time(), 0
    for number in range(count):
        total += number & 3
    return time.thread_time() - begin


class Waiter:
    """Counts its calls, and what they computed: this one's wait, others' do more."""

    def __init__(self, folder: str) -> None:
        """Begin with none; `folder` is where it is noted."""
        self.made = 0
        self._cpu_s = 0.0
        self._folder = Path(folder)

    def tell(self) -> int:
        """Note the CPU time, and return how many calls there were."""
        with (self._folder / str(os.getpid())).open("a") as notes:
            notes.write(f"{self._cpu_s}\n")
        return self.made

    def crunch(self) -> None:
        """Compute, or wait."""
        self._cpu_s += self._crunch()
        self.made += 1

    def _crunch(self) -> float:
        begin = time.thread_time()
        time.sleep(WAIT_S)
        return time.thread_time() - begin


class Threads(Waiter):
    """Hashes two buffers at once in threads of its own."""

    def __init__(self, folder: str) -> None:
        """Begin with none."""
        super().__init__(folder)
        self._pool = ThreadPoolExecutor(2)
        self._buffer = bytes(SIZE)

    def _crunch(self) -> float:
        return sum(self._pool.map(hash_all, [self._buffer] * 2))


class Children(Waiter):
    """Has a child process compute, and waits for its end."""

    def _crunch(self) -> float:
        ended = subprocess.run(
            [sys.executable, "-S", "-c", SOURCE], check=True, capture_output=True
        )
        return float(ended.stdout)


class Pool(Waiter):
    """Has a process compute that lives for as long as it does."""

    def __init__(self, folder: str) -> None:
        """Begin with none, once the process is up, which takes a while."""
        super().__init__(folder)
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        self._pool.submit(add_up, 0).result()

    def _crunch(self) -> float:
        return self._pool.submit(add_up, COUNT).result()


class Hasher(Waiter):
    """Hashes in the thread that calls it."""

    def __init__(self, folder: str) -> None:
        """Begin with none."""
        super().__init__(folder)
        self._buffer = bytes(SIZE)

    def _crunch(self) -> float:
        return hash_all(self._buffer)
