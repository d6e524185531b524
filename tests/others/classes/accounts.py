"""Objects with locks."""

import threading


class Account:
    """Guards its balance, as if threads came."""

    def __init__(self, balance=0):
        self.lock = threading.RLock()
        self.balance = balance

    def deposit(self, amount):
        with self.lock:
            self.balance = self.balance * 2 + amount

    def fee(self):
        with self.lock:
            self.deposit(-1)
