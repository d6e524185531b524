"""Books."""

from library import author


class Book:
    """Knows who wrote it."""

    def __init__(self, by, title):
        if not isinstance(by, author.Author):
            raise TypeError(f"{by} is no author")
        self.by = by
        self.title = title

    def shown(self):
        return f"{self.title} by {self.by.name}"
