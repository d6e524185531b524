"""Discounts that are imported when they are needed."""
