"""What became different between two states of the hierarchy, as somebody who looks at it sees it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nexus_gql.paths import Path, lineage, within

from .catalogue import Application, Catalogue, Level
from .current import Change


@dataclass(frozen=True, slots=True)
class Difference:
    """Levels that are new or look different, parents first, and levels that are gone."""

    before: Catalogue
    after: Catalogue
    upserted: Sequence[Level]
    removed: Sequence[Level]


def merged(changes: Sequence[Change]) -> Difference:
    """Changes that follow each other, as one: what came and went in between is not told."""
    before, after = changes[0].before, changes[-1].after
    touched = {level.path for change in changes for level in (*change.upserted, *change.removed)}
    upserted, removed = [], []
    for path in sorted(touched, key=lambda path: path.split("/")):
        old, new = before.levels.get(path), after.levels.get(path)
        if old is not None and (new is None or new.id != old.id):
            removed.append(old)
        if new is not None and (old is None or _appearance(new) != _appearance(old)):
            upserted.append(new)
    return Difference(before, after, upserted, removed)


def reached(difference: Difference, scope: Path | None) -> list[Level]:
    """Levels of a scope, by path, whose effective settings may have changed by it; those that were upserted aside.

    Nothing is folded for it: `differs` tells of each whether they have.
    """
    changed = {level.path for level in difference.upserted if _settings_changed(difference, level)}
    told = {level.path for level in difference.upserted}
    tops = [path for path in changed if not changed.intersection(lineage(path)[:-1])]
    starts = [
        path if within(scope, path) else scope for path in tops if within(scope, path) or within(path, scope or path)
    ]
    return [
        level
        for start in sorted(starts, key=_order)
        for level in difference.after.below(start)
        if level.path not in told
    ]


def differs(difference: Difference, level: Level) -> bool:
    """Whether the effective settings of a level that is in both states changed."""
    path = level.path
    return difference.before.effective(path).document != difference.after.effective(path).document


def _settings_changed(difference: Difference, level: Level) -> bool:
    old = difference.before.levels.get(level.path)
    # Below one that is new, all is new.
    return old is not None and old.id == level.id and old.document != level.document


def _order(path: Path | None) -> list[str]:
    return (path or "").split("/")


def _appearance(level: Level) -> Level:
    """A level without what nobody sees of it: the numbers that operations and readers go by."""
    if isinstance(level, Application):
        return replace(level, change=0, operation_number=0, deployed=False, restarted_at=None)
    return replace(level, change=0)
