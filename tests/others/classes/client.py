"""Async classes, as one writes them around a session."""

import asyncio


class Client:
    """Sends requests through a queue that a background task works off."""

    def __init__(self, name):
        self.name = name
        self.queue = asyncio.Queue(maxsize=2)
        self.task = None
        self.answers = []

    async def post(self, path):
        if self.task is None:
            self.task = asyncio.create_task(self._work())
        await self.queue.put(path)
        await self.queue.join()

    async def _work(self):
        while True:
            path = await self.queue.get()
            await asyncio.sleep(0)
            self.answers.append(f"{len(self.answers)} {self.name} {path}")
            self.queue.task_done()


class Uploader(Client):
    """Leaves requests lying until somebody asks for the answers."""

    async def post(self, path):
        if self.task is None:
            self.queue = asyncio.Queue()
            self.task = asyncio.create_task(self._work())
        await self.queue.put(path)

    async def flush(self):
        await self.queue.join()
        return self.answers


class Limiter:
    """Lets one at a time through a lock."""

    def __init__(self):
        self.lock = asyncio.Lock()
        self.log = []

    async def enter(self, who):
        async with self.lock:
            await asyncio.sleep(0.001)
            self.log.append((who, len(self.log)))

    async def entered(self):
        async with self.lock:
            return list(self.log)
