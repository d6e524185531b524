"""Half of it."""

from shop.cart import Cart
from shop.kinds import NOTHING


def apply(cart):
    assert isinstance(cart, Cart)
    return cart.total // 2 + (cart.last is not NOTHING)
