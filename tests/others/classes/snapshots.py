"""Objects that copy and pickle themselves."""

import copy
import pickle


class Editor:
    """Keeps a pickle of itself for every change, to undo it."""

    def __init__(self):
        self.text = ""
        self.history = []

    def type(self, text):
        self.history.append(pickle.dumps(self.__dict__ | {"history": []}))
        self.text = text + self.text.title()

    def undo(self):
        self.text = pickle.loads(self.history.pop())["text"]

    def clone(self):
        other = pickle.loads(pickle.dumps(self))
        assert isinstance(other, Editor)
        self.text = f"<{other.text}>"

    def read(self):
        return self.text


class Game:
    """Tries moves on a copy."""

    def __init__(self):
        self.moves = [1]

    def move(self, by):
        ahead = copy.deepcopy(self)
        ahead.moves.append(by * ahead.moves[-1] + 1)
        if type(ahead) is Game:
            self.moves = ahead.moves

    def read(self):
        return self.moves
