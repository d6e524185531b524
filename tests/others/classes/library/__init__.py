"""Authors and books, which import each other."""
