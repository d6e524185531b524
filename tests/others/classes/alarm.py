"""What only a main thread may do."""

import signal
import threading


class Alarm:
    """Takes a signal of its own, and raises it."""

    def __init__(self):
        self.rung = []
        signal.signal(signal.SIGUSR1, self._ring)

    def _ring(self, number, frame):
        self.rung.append(len(self.rung))

    def ring(self, extra):
        signal.signal(signal.SIGUSR1, self._ring)
        signal.raise_signal(signal.SIGUSR1)
        self.rung.append(extra)


class Window:
    """Is drawn by the main thread, as windows are."""

    def __init__(self):
        self.drawn = []

    def draw(self, shape):
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("main thread is not in main loop")
        self.drawn.append((len(self.drawn), shape))
