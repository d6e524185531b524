"""What deaths of actors cost, and what became of them, in sentences; pure."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from job.words import count, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.analysis.figures import Figures
    from job.results.document import Loss, Trial

MOST_CAUSES = 3
CAUSE_WIDTH = 70
NOTICED_S = 1.0  # later than after so much a death was noticed late


def sentences(figures: Figures) -> tuple[str, ...]:
    """Return for each strategy that lost actors how many, of what, and at what price."""
    chaos = figures.results.plan.get("chaos")
    told = tuple(
        f"{name}: {_told(trials, [trial for trial in figures.trials[name] if not trial.losses])}"
        for name, trials in figures.counted.items()
        if any(trial.losses for trial in trials)
    )
    return (*told, f"--chaos {chaos} brought deaths about.") if told and chaos else told


def _told(trials: Sequence[Trial], clean: Sequence[Trial]) -> str:
    marred = [trial for trial in trials if trial.losses]
    deaths = [death for trial in marred for death in trial.deaths]
    losses, again = sum(t.losses for t in marred), sum(t.replayed_calls for t in marred)
    died = f"{count(losses, 'actor')} died{_causes(deaths)}"
    were = "was" if again == 1 else "were"
    parts = [died, f"{count(again, 'call')} that had been answered {were} made again"]
    if back := [death.resumed_s for death in deaths if death.resumed_s is not None]:
        times = f"{median(back):,.2g} s"
        if len(back) > 1:
            times = f"a median of {times}, at most {max(back):,.2g} s"
        parts.append(f"work went on after {times}{_late(deaths)}")
    took = median(trial.elapsed_s for trial in marred)
    if clean:
        without = median(trial.elapsed_s for trial in clean)
        parts.append(
            f"{count(len(marred), 'trial')} with deaths took {took:,.2f} s, the others "
            f"{without:,.2f} s, which alone count above"
        )
        if shrunk := len(trials) - len(marred) - len(clean):
            parts.append(f"{count(shrunk, 'trial')} on fewer CPUs than the first did not count")
    else:
        parts.append("no trial was without deaths, so all times hold their price")
    return "; ".join(parts) + "."


def _late(deaths: Sequence[Loss]) -> str:
    """Say by how much deaths may have been noticed too late, where that matters."""
    most = max((death.unheard_s or 0.0 for death in deaths), default=0.0)
    return f", noticed at most {most:,.2g} s late" if most >= NOTICED_S else ""


def _causes(deaths: Sequence[Loss]) -> str:
    """Return what they died of and where, the most frequent first."""
    found = Counter(
        f"{shorten(death.cause, CAUSE_WIDTH)}{f' on {death.address}' if death.address else ''}"
        for death in deaths
    )
    told = [
        f"{cause}, {number:,} times" if number > 1 else cause
        for cause, number in found.most_common(MOST_CAUSES)
    ]
    return f" ({'; '.join(told)}{'; …' if len(found) > MOST_CAUSES else ''})" if told else ""
