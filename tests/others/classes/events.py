"""Objects that call each other."""


class Publisher:
    """Tells its subscribers, which are methods of its own."""

    def __init__(self):
        self.heard = []
        self.subscribers = [self.whisper, self.shout]

    def whisper(self, text):
        self.heard.append(text.lower())

    def shout(self, text):
        self.heard.append(text.upper() + "!" * len(self.heard))

    def publish(self, text):
        for subscriber in self.subscribers:
            subscriber(text)
