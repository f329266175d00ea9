"""How two sets of effective settings differ, leaf by leaf."""

from dataclasses import dataclass

from .documents import Document, masked
from .values import Json


@dataclass(frozen=True, slots=True)
class LeafChange:
    """One leaf that is not the same. None stands for what is not set: no effective leaf is null."""

    key: str
    before: Json
    after: Json


def compare(before: Document, after: Document) -> list[LeafChange]:
    """The leaves that differ, by key.

    Secrets are masked before they are compared, so that nobody learns whether two are alike: only whether they are set.
    """
    changes = (LeafChange(key, masked(before.get(key)), masked(after.get(key))) for key in sorted({*before, *after}))
    return [change for change in changes if change.before != change.after]
