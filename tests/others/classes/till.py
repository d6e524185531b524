"""Rows in a database in memory, by a connection made in the constructor."""

import sqlite3
import time


class Till:
    """Keeps its bookings in SQLite."""

    def __init__(self, start=0):
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute("CREATE TABLE till (total INTEGER)")
        self.connection.execute("INSERT INTO till VALUES (?)", (start,))

    def book(self, amount):
        time.sleep(0.01)
        with self.connection:
            self.connection.execute("UPDATE till SET total = total * 3 + ?", (amount,))

    def total(self):
        return self.connection.execute("SELECT total FROM till").fetchone()[0]
