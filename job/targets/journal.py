"""A class whose state grows with every call: it takes memory, and reading it takes time."""

import zlib


class Journal:
    """Keeps every entry ever written; each is sealed with the checksum of all before it."""

    def __init__(self, title: object = "") -> None:
        """Start without entries; the title is the first thing that is sealed."""
        self.seal = zlib.crc32(str(title).encode())
        self.entries: list[str] = []

    def write(self, length: int) -> None:
        """Append an entry of `length` characters that nothing but this history gives."""
        digits = f"{self.seal:08x}"
        entry = (digits * (length // len(digits) + 1))[:length]
        self.entries.append(entry)
        self.seal = zlib.crc32(entry.encode(), self.seal)

    def read(self) -> list[str]:
        """Return all entries."""
        return self.entries
