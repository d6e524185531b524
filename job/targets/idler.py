"""A class whose calls do nothing: what remains is what a call costs by being made."""


class Idler:
    """Does nothing when called."""

    def rest(self) -> None:
        """Do nothing."""
