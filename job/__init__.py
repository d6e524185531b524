"""Compare a stateful class run serially with the same class as Ray actors.

`run_comparison` is for notebooks and tests. It is loaded when it is asked for: importing this
package on a worker loads nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from job.commands.notebook import run_comparison

__all__ = ["run_comparison"]
__version__ = "0.1.0"  # a literal, so that builds and jobs have it without anything installed


def __getattr__(name: str) -> Any:  # noqa: ANN401 - modules have no other way to be lazy
    if name == "run_comparison":
        from job.commands.notebook import run_comparison

        return run_comparison
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
