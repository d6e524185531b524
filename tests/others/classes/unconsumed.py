"""Calls that do nothing until somebody consumes what they return."""

import asyncio
import functools


def logged(method):
    @functools.wraps(method)
    def wrapper(self, *args):
        self.log.append(method.__name__)
        return method(self, *args)

    return wrapper


def timed(method):
    def wrapper(*args, **kwargs):
        return method(*args, **kwargs)

    return wrapper


class Reader:
    """Yields what it counts."""

    def __init__(self):
        self.count = 0
        self.log = []

    def rows(self, n):
        for number in range(n):
            self.count = self.count * 2 + number
            yield number

    @timed
    def lines(self, n):
        for number in range(n):
            self.count = self.count * 3 + number
            yield number

    async def stream(self, n):
        for number in range(n):
            self.count = self.count * 2 + number
            yield number

    @timed
    async def packets(self, n):
        for number in range(n):
            self.count = self.count * 2 + number
            yield number

    @logged
    async def load(self, n):
        await asyncio.sleep(0.001)
        self.count = self.count * 5 + n

    @timed
    async def save(self, n):
        await asyncio.sleep(0)
        self.count = self.count * 7 + n
