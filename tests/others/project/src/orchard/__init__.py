"""A package in the src layout."""

from orchard.tree import Tree

__all__ = ["Tree"]
