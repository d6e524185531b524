"""Authors."""

from library import book


class Author:
    """Writes books."""

    def __init__(self, name):
        self.name = name
        self.books = []

    def write(self, title):
        self.books.append(book.Book(self, f"{title} {len(self.books)}"))

    def read(self):
        return [each.shown() for each in self.books]
