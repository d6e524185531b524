"""Subclasses that must say something about themselves."""


class Plugin:
    """Knows its subclasses by their key."""

    known = {}

    def __init_subclass__(cls, *, key, **kwargs):
        super().__init_subclass__(**kwargs)
        if key in Plugin.known:
            raise TypeError(f"{key} is taken by {Plugin.known[key]}")
        Plugin.known[key] = cls
        cls.key = key


class Upper(Plugin, key="upper"):
    """Writes in capitals."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        assert Plugin.known[self.key] is type(self)
        self.text = self.text[::-1] + text.upper()

    def read(self):
        return self.text
