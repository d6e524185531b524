"""A class where order matters: what a call does depends on what the calls before it did."""


class Account:
    """A bank account that cannot be overdrawn; amounts are whole cents."""

    def __init__(self, balance: int = 0) -> None:
        """Open the account with `balance` on it."""
        self.balance = balance
        self.refused: list[tuple[int, int]] = []

    def deposit(self, amount: int) -> None:
        """Put `amount` on the account."""
        self.balance += amount

    def withdraw(self, amount: int) -> None:
        """Take `amount` off; if there is less, take nothing and record the refusal."""
        if amount > self.balance:
            self.refused.append((amount, self.balance))
        else:
            self.balance -= amount

    def statement(self) -> tuple[int, list[tuple[int, int]]]:
        """Return the balance, and of every refusal what was asked for and what was there."""
        return self.balance, self.refused
