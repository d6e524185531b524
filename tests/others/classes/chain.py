"""Linked structures."""

import weakref


class Node:
    """One link."""

    def __init__(self, value, next=None):
        self.value = value
        self.next = next


class Chain:
    """A linked list that begins with five hundred links."""

    def __init__(self, length=500):
        self.head = None
        for value in range(length):
            self.push(value)

    def push(self, value):
        self.head = Node(value, self.head)

    def rotate(self):
        first, second = self.head, self.head.next
        first.value, second.value = second.value, first.value + 1


class Tree:
    """Knows its parent by a weak reference."""

    def __init__(self, name="root", parent=None):
        self.name = name
        self.parent = weakref.ref(parent) if parent else None
        self.children = []

    def add(self, name):
        below = self.children[-1] if self.children else self
        self.children.append(Tree(f"{below.name}/{name}", self))

    def paths(self):
        return [child.name + "@" + child.parent().name for child in self.children]
