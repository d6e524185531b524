"""A shop in several modules."""

from .cart import Cart

__all__ = ["Cart"]
