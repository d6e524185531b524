"""A package of somebody's own."""
