"""The current catalogue: read from the database when the change number says so, and announced to whoever follows it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nexus_gql.database import change_number
from nexus_gql.paths import DEPTHS, Path, depth
from nexus_gql.problems import Problem

from . import models
from .catalogue import Application, Catalogue, Concern, Environment, Level, Namespace, Project, Stage, catalogue
from .defaults import ApplicationKind


@dataclass(frozen=True, slots=True)
class Change:
    """What became different between two catalogues."""

    before: Catalogue
    after: Catalogue
    upserted: Sequence[Level]
    removed: Sequence[Level]


async def _open(path: Path) -> None:  # noqa: ARG001
    return None


class Hierarchy:
    """Holds the catalogue of this process.

    A question asks for `current`, which costs one small statement and, only where something changed, one for the rows that
    did. Followers are called in the order of changes, after the commit. `closed` says why nothing may be made below a level
    just now; those who take levels off their clusters know that.
    """

    def __init__(self, *, closed: Callable[[Path], Awaitable[Problem | None]] = _open) -> None:
        self.closed = closed
        self.latest = catalogue(-1, ())
        self._lock = asyncio.Lock()
        self._followers: list[Callable[[Change], None]] = []

    def follow(self, follower: Callable[[Change], None]) -> None:
        """Call a function at each change from now on. It must not wait."""
        self._followers.append(follower)

    async def current(self) -> Catalogue:
        """The catalogue as of the latest commit."""
        if await change_number() != self.latest.number:
            async with self._lock:
                number = await change_number()
                if number != self.latest.number:
                    self._announce(*await _load(self.latest, number))
        return self.latest

    async def locked(self, number: int) -> Catalogue:
        """The catalogue as of the commit before `number`, for the transaction that has taken that number and so holds the lock."""
        return (await _load(self.latest, number - 1))[1]

    def _announce(
        self, before: Catalogue, after: Catalogue, upserted: Sequence[Level], removed: Sequence[Level]
    ) -> None:
        self.latest = after
        change = Change(before, after, upserted, removed)
        for follower in self._followers:
            follower(change)


async def _load(before: Catalogue, number: int) -> tuple[Catalogue, Catalogue, list[Level], list[Level]]:
    if number == before.number:
        return before, before, [], []
    rows = await models.Level.filter(change__gt=before.number).values()
    upserted = [_level(row, before) for row in rows]
    paths = set(before.levels) | {level.path for level in upserted}
    removed: list[Path] = []
    if len(paths) != await models.Level.all().count():
        there = {row["path"] for row in await models.Level.all().values("path")}
        removed = [path for path in paths if path not in there]
    after = before.with_changes(number, upserted, removed)
    replaced = [old for level in upserted if (old := before.levels.get(level.path)) is not None and old.id != level.id]
    gone = [*replaced, *(before.levels[path] for path in removed if path in before.levels)]
    return before, after, upserted, gone


def _level(row: Mapping[str, Any], before: Catalogue) -> Level:
    path = Path(row["path"])
    old = before.levels.get(path)
    # The same document stays the same object, by which others see that nothing is to be computed anew.
    same = old is not None and old.version == row["version"] and old.id == str(row["id"])
    shared = {
        "id": str(row["id"]),
        "path": path,
        "display_name": row["display_name"],
        "description": row["description"],
        "document": old.document if same and old is not None else row["document"],
        "version": row["version"],
        "change": row["change"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
    match DEPTHS[depth(path) - 1]:
        case "project":
            return Project(**shared)
        case "environment":
            cluster = row["cluster_id"]
            return Environment(
                **shared, stage=Stage(row["stage"]), cluster_id=None if cluster is None else str(cluster)
            )
        case "namespace":
            return Namespace(**shared, concern=Concern(row["concern"]), kubernetes_name=row["kubernetes_name"])
        case _:
            return Application(
                **shared,
                kind=ApplicationKind(row["kind"]),
                deployed=bool(row["deployed"]),
                operation_number=row["operation_number"],
                revision=row["revision"],
                restarted_at=row["restarted_at"],
            )
