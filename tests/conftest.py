"""Which tests `make test` runs; `make test-all` runs them all."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.hookimpl(tryfirst=True)  # before tests are left out by their marks
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Leave those of a test's parameters that it does not name as quick to a release."""
    ids = defaultdict(set)
    for item in items:
        quick = item.get_closest_marker("quick")
        if not quick:
            continue
        function, _, name = item.nodeid.removesuffix("]").partition("[")
        ids[function, quick.args].add(name)
        if name not in quick.args:
            item.add_marker(pytest.mark.release)
    for (function, named), found in ids.items():
        if len(found) > 1 and not set(named) <= found:  # one may have been asked for by its id
            unknown = ", ".join(sorted(set(named) - found))
            raise pytest.UsageError(f"{function}: no parameters {unknown}, which it names quick")
