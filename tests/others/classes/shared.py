"""What instances share, on purpose or not."""

_made = 0


class Registry:
    """Every instance adds to the same list."""

    entries = []

    def __init__(self, name):
        self.name = name

    def register(self, key):
        self.entries.append((self.name, key))
        Registry.last = key


class Ticket:
    """Numbers come from a counter of the module."""

    def __init__(self):
        self.drawn = 0

    def draw(self):
        global _made
        _made += 1
        self.drawn += 1


class Config:
    """There is only one of it."""

    _instance = None

    def __new__(cls):
        if cls._instance is None:
            cls._instance = super().__new__(cls)
            cls._instance.values = []
        return cls._instance

    def set(self, value):
        self.values.append(value)
