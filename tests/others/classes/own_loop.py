"""An event loop that an object makes and runs by itself."""

import asyncio


class Fetcher:
    """Hides async code behind plain methods."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.ready = asyncio.Event()
        self.pages = []

    def fetch(self, page):
        self.loop.run_until_complete(self._fetch(page))

    async def _fetch(self, page):
        self.loop.call_later(0.005, self.ready.set)
        await self.ready.wait()
        self.ready.clear()
        self.pages.append((len(self.pages), page))
