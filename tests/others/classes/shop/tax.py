"""Taxes, by kind."""

from .kinds import Article, Kind


def taxed(article):
    if not isinstance(article, Article):
        raise TypeError(f"{type(article)} is no {Article}")
    if article.kind is Kind.FOOD:
        return article.price
    if article.kind is Kind.BOOK:
        return article.price * 107 // 100
    raise ValueError(f"{article.kind!r} is not one of {list(Kind)}")
