"""A generic container."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Stack(Generic[T]):
    """Last in, first out."""

    def __init__(self, limit: int = 100) -> None:
        self.limit = limit
        self.items: list[T] = []

    def push(self, item: T) -> None:
        if len(self.items) < self.limit:
            self.items.append(item)

    def pop(self) -> T:
        return self.items.pop()

    def swap(self) -> None:
        self.items[-1], self.items[-2] = self.items[-2], self.items[-1]


class Numbers(Stack[int]):
    """A stack of numbers that can be added."""

    def add(self) -> None:
        self.push(10 * self.pop() + self.pop())
