"""Plain classes to compare: they know neither Ray nor this package."""
