"""AWS's API as moto has it, but for one thing: as many machines as are asked for at most.

RunInstances names the least and the most that may be started, and AWS starts the most that it has
room for; moto starts the least, which Ray always gives as 1.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.responses.instances import InstanceResponse
from moto.server import main

BASE = InstanceResponse._get_param  # noqa: SLF001 - moto offers no other way


def asked(self: InstanceResponse, name: str, if_none: Any = None) -> Any:  # noqa: ANN401 - moto's
    """Return a request's parameter; the most for the least."""
    return BASE(self, "MaxCount" if name == "MinCount" else name, if_none)


if __name__ == "__main__":
    setattr(InstanceResponse, BASE.__name__, asked)
    main()
