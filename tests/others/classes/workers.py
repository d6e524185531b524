"""Work that is handed to other processes and threads."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context


def square(number):
    return number * number + 1


class Squares:
    """Lets another process square its numbers."""

    def __init__(self):
        self.numbers = [1, 2]

    def advance(self):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            self.numbers = list(pool.map(square, self.numbers))

    def read(self):
        return self.numbers


class Downloads:
    """Lets threads fetch its parts."""

    def __init__(self, parts):
        self.parts = list(range(parts))

    def fetch(self):
        with ThreadPoolExecutor(3) as pool:
            self.parts = list(pool.map(square, self.parts))
