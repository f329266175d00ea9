"""The health of a level, summed up over the applications below."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from .application import ApplicationState
from .verdict import Health, worst


@dataclass(frozen=True, slots=True)
class Summary:
    """The worst status that counts, and how many applications have which."""

    status: Health
    counts: Counter[Health]


def summarise(states: Iterable[ApplicationState]) -> Summary:
    """What is at rest is counted and sets the status only where there is nothing else; of nothing, HEALTHY."""
    known = list(states)
    active = [state.verdict.status for state in known if not state.resting]
    resting = [state.verdict.status for state in known if state.resting]
    return Summary(worst(active or resting), Counter(state.verdict.status for state in known))
