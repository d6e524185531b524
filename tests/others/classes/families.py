"""Processes that an object starts and ends."""

import multiprocessing
import os
import signal
import time


def double(number):
    return 2 * number


class Parent:
    """Starts a child and ends it."""

    def __init__(self):
        self.context = multiprocessing.get_context("fork")
        self.codes = []

    def raise_child(self):
        child = self.context.Process(target=time.sleep, args=(60,))
        child.start()
        child.terminate()
        child.join(10)
        self.codes.append(child.exitcode)

    def pool(self, numbers):
        with self.context.Pool(2) as pool:
            self.codes.append(pool.map(double, range(numbers)))

    def fork(self):
        pid = os.fork()
        if not pid:
            time.sleep(20)
            os._exit(0)
        os.kill(pid, signal.SIGTERM)
        self.codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
