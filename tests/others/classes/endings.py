"""Ways out that no class should take."""

import asyncio
import faulthandler
import os
import signal
import sys
import time


class Abandoned(BaseException):
    """Not an Exception."""


class Mute(Exception):
    """Cannot be shown."""

    def __str__(self):
        raise RuntimeError("no words")


class Job:
    """Counts until it ends."""

    def __init__(self):
        self.count = 0

    def work(self):
        self.count = self.count * 2 + 1

    def leave(self, code):
        os._exit(code)

    def leave_after(self, calls, seconds=0.0):
        time.sleep(seconds)
        self.count += 1
        if self.count == calls:
            os._exit(0)

    def crash(self):
        faulthandler.disable()
        os.kill(os.getpid(), signal.SIGSEGV)

    def kill(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def cancel(self):
        raise asyncio.CancelledError

    async def cancel_itself(self):
        asyncio.current_task().cancel()
        await asyncio.sleep(1)

    def abandon(self):
        raise Abandoned("halfway")

    def fall_silent(self):
        raise Mute

    def interrupt(self):
        raise KeyboardInterrupt

    def close(self):
        raise GeneratorExit


class Doomed:
    """Cannot even be made."""

    def __init__(self):
        raise Abandoned("at once")

    def work(self):
        pass


class Unreadable(Job):
    """Works, but does not tell."""

    def read(self):
        raise Abandoned("secret")

    def read_and_leave(self):
        os._exit(5)


class Reader:
    """Reads what it is given, if anything."""

    def __init__(self):
        self.lines = []

    def ask(self):
        self.lines.append(sys.stdin.readline())
