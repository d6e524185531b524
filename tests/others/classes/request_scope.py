"""What belongs to the thread that made it."""

import contextvars
import threading
import time

current_user = contextvars.ContextVar("current_user")


class RequestScope:
    """Keeps what it knows in a threading.local."""

    def __init__(self, user):
        self.scope = threading.local()
        self.scope.user = user
        self.scope.path = []

    def visit(self, page):
        time.sleep(0.01)
        self.scope.path.append((self.scope.user, page, len(self.scope.path)))

    def path(self):
        return self.scope.path


class Session:
    """Sets a context variable when it is made, and looks it up in every call."""

    def __init__(self, user):
        current_user.set(user)
        self.seen = []

    def visit(self, page):
        time.sleep(0.01)
        self.seen.append(f"{len(self.seen)} {current_user.get()} {page}")
