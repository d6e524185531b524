"""The commands, a module each; what one needs is imported in its body."""
