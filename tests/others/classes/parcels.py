"""A class by attrs."""

import attrs


@attrs.define
class Parcel:
    """Collects stamps on its way."""

    weight: float = attrs.field(converter=float, validator=attrs.validators.ge(0))
    stamps: list[str] = attrs.Factory(list)

    def pass_through(self, office):
        self.stamps.append(f"{office} {len(self.stamps)}")
        self.weight *= 1.5
