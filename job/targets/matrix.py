"""A class that computes in numpy, which lets other threads run meanwhile: it releases the GIL."""

import numpy as np  # type: ignore[import-not-found, unused-ignore]  # not a dependency

PRIME = 65_521  # so small that numpy rounds no sum of products below, in whatever order it adds


class Matrix:
    """A square matrix of whole numbers, kept below a prime.

    They are multiplied as floats, for which numpy has its fast library, yet all results are exact:
    the same on any processor and with any number of threads.
    """

    def __init__(self, size: int = 512, seed: int = 0) -> None:
        """Fill a matrix of `size` rows (below 2**21) with numbers that follow from `seed`."""
        cells = np.arange(size * size, dtype=np.int64) + seed
        self.values = (cells * 48_271 % PRIME).reshape(size, size)
        self.factor = self.values.astype(np.float64)

    def multiply(self) -> None:
        """Multiply by what the matrix was at the start, from the right."""
        product = self.values.astype(np.float64) @ self.factor
        self.values = product.astype(np.int64) % PRIME

    def transpose(self) -> None:
        """Swap rows and columns: what comes then multiplies from the other side."""
        self.values = self.values.T

    def read(self) -> list[int]:
        """Return the sum of each row."""
        return [int(total) for total in self.values.sum(axis=1)]
