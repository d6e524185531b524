"""A class that is slow to make, as those are that load a library, a model or a file."""


class Almanac:
    """Works out the date of Easter for thousands of years when made, then looks dates up."""

    def __init__(self, years: int = 400_000, start: int = 0) -> None:
        """Work out every year's Easter, and open the almanac at year `start`."""
        self.easters = bytes(_days_after_21_march(year) for year in range(years))
        self.year = start % years
        self.days = 0

    def turn(self, years: int) -> None:
        """Note how late Easter is, then go on by that many years and as many more as days noted."""
        self.days += self.easters[self.year]
        self.year = (self.year + years + self.days) % len(self.easters)

    def read(self) -> tuple[int, int]:
        """Return the year it is open at, and the days after 21 March that were noted in all."""
        return self.year, self.days


def _days_after_21_march(year: int) -> int:
    """Return when Western Easter is: Gauss's rule as Lichtenberg put it in 1997."""
    century = year // 100
    moon = 15 + (3 * century + 3) // 4 - (8 * century + 13) // 25
    golden = year % 19
    seed = (19 * golden + moon) % 30
    full_moon = 21 + seed - (seed // 29 + (seed // 28 - seed // 29) * (golden // 11))
    first_sunday = 7 - (year + year // 4 + 2 - (3 * century + 3) // 4) % 7
    return full_moon + 7 - (full_moon - first_sunday) % 7 - 21
