"""SIGINT, SIGTERM and SIGHUP end a comparison in order, and within seconds whatever happens.

The handler raises KeyboardInterrupt in the main thread, which Ray's own waits let through. Where
the main thread is stuck in foreign code that lets no signal through, a second thread, woken by
the operating system's own delivery, ends the process once the grace is over.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupt(KeyboardInterrupt):
    """What a signal raises here: a plain KeyboardInterrupt is one that the target raised itself."""


class OutOfTime(BaseException):
    """A deadline has passed. Not an Exception: a target that catches those must not swallow it."""


end_process = os._exit  # the very one: a trial on the driver has that of `os` raise meanwhile
OURS = (Interrupt, OutOfTime)  # what passes through the target and is no error of its own


class Leaving:
    """Whether a signal has asked us to leave, and how long that may take."""

    def __init__(self) -> None:
        self.signum = 0  # of the first signal that came
        self.grace_s = 5.0  # how long the main thread has to leave by itself
        self.abandon: Callable[[], None] = lambda: None  # what must still be done when it has not
        self.active = False  # in a notebook the signals are not ours
        self._left = threading.Event()
        self._held: set[int] = set()  # which signals were held back before a fork

    @property
    def exit_code(self) -> int:
        """What the process exits with: 128 and the signal's number, as shells have it."""
        return 128 + (self.signum or signal.SIGINT)

    def rearm(self) -> None:
        """Take the signals (back): ray.init puts a handler of its own in place."""
        if self.active:
            for signum in SIGNALS:
                signal.signal(signum, self._handle)

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        if self.signum:
            return  # leaving already; a second signal must not interrupt the cleaning up
        self.signum = signum
        raise Interrupt

    def _hold(self) -> None:
        """Hold signals back while the target forks: one that ends the child at once must do so."""
        if self.active:
            self._held = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)

    def _resume(self) -> None:
        if self.active:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._held)

    def _release(self) -> None:
        """Give a process that the target forks the handlers that it expects."""
        if self.active:
            signal.set_wakeup_fd(-1)
            for signum in SIGNALS:
                usual = signum == signal.SIGINT
                signal.signal(signum, signal.default_int_handler if usual else signal.SIG_DFL)
            self._resume()
            self.active = False

    def _watch(self, woken: socket.socket) -> None:
        with woken:
            while (signum := int.from_bytes(woken.recv(1), "big")) and signum not in SIGNALS:
                pass
        if signum and not self._left.wait(self.grace_s):
            self.abandon()
            end_process(128 + signum)

    @contextlib.contextmanager
    def watching(self) -> Iterator[Leaving]:
        """Take the signals for the time of the block."""
        ours, wakeup = socket.socketpair()
        wakeup.settimeout(0)
        before = {signum: signal.getsignal(signum) for signum in SIGNALS}
        previous_fd = signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(ours,), daemon=True).start()
        self.active = True
        os.register_at_fork(
            before=self._hold, after_in_parent=self._resume, after_in_child=self._release
        )
        self.rearm()
        try:
            yield self
        finally:
            self._left.set()
            self.active = False
            for signum, handler in before.items():
                signal.signal(signum, handler or signal.SIG_DFL)
            signal.set_wakeup_fd(previous_fd)
            wakeup.close()
