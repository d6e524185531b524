"""A plain class whose instances share pages that tell in which order all of them were called."""

from __future__ import annotations

import threading
from typing import ClassVar

from tests.targets.ledgers import Ledger


class Paged(Ledger):
    """Writes what is done to any of them on pages that all share, and where that is."""

    pages: ClassVar[list[tuple[int, int]]] = []

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.start, self.threads = start, {threading.get_ident()}

    def book(self, amount: int, note: str = "") -> None:
        """Book, and write it down."""
        super().book(amount, note)
        self.threads.add(threading.get_ident())
        self.pages.append((self.start, amount))

    def read(self) -> object:
        """Return the pages, and whether all was done in the main thread."""
        main = {threading.main_thread().ident} == self.threads
        return self.total, self.pages, main
