"""The whole hierarchy in memory, as of one change number: immutable, so that a question sees one state throughout."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar, cast

from nexus_gql.paths import Path, lineage, parent

from .defaults import ApplicationKind
from .documents import Document
from .provenance import Effective, effective
from .settings import SETTINGS


class Stage(StrEnum):
    """What an environment is for."""

    LOCAL = "LOCAL"
    DEVELOPMENT = "DEVELOPMENT"
    STAGING = "STAGING"
    PRODUCTION = "PRODUCTION"


class Concern(StrEnum):
    """Which part of Optimal Reality a namespace holds."""

    MDK = "MDK"
    DDK = "DDK"
    FDK = "FDK"
    AGENTS = "AGENTS"
    INFRASTRUCTURE = "INFRASTRUCTURE"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What every level has. `change` is the number of the change that wrote it last."""

    id: str
    path: Path
    display_name: str
    description: str | None
    document: Document
    version: int
    change: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Project(Level):
    """The top of a hierarchy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment(Level):
    """A place where a project runs: a stage, on a cluster."""

    stage: Stage
    cluster_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace(Level):
    """A part of an environment; one Kubernetes namespace."""

    concern: Concern
    kubernetes_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(Level):
    """What is deployed. `deployed`: something of it may be on the cluster; `revision`: what is there, once it has been applied."""

    kind: ApplicationKind
    deployed: bool
    operation_number: int
    revision: int | None
    restarted_at: datetime | None


L = TypeVar("L", bound=Level)

_DEPTHS: dict[type[Level], int] = {Project: 1, Environment: 2, Namespace: 3, Application: 4}


@dataclass(frozen=True)
class Catalogue:
    """All levels by path. Paths within one parent are sorted."""

    number: int
    levels: Mapping[Path, Level]
    paths: Mapping[str, Path] = field(default_factory=dict)
    children: Mapping[Path | None, tuple[Path, ...]] = field(default_factory=dict)
    _effective: dict[Path, Effective] = field(default_factory=dict, compare=False, repr=False)

    def get(self, kind: type[L], path: Path | None) -> L | None:
        """The level of one kind at a path."""
        level = self.levels.get(path) if path is not None else None
        return level if isinstance(level, kind) else None

    def by_id(self, level_id: str) -> Level | None:
        """The level with an id."""
        path = self.paths.get(level_id)
        return None if path is None else self.levels[path]

    def above(self, kind: type[L], path: Path) -> L:
        """The level of one kind that a path lies in; what is in the catalogue has all its ancestors."""
        # By depth, not by looking at each step: a list of a thousand applications asks five thousand times.
        deep = _DEPTHS[kind]
        return cast("L", self.levels[Path("/".join(path.split("/", deep)[:deep]))])

    def below(self, scope: Path | None) -> Iterator[Level]:
        """The level itself and all below it, in the order of their paths; everything for None."""
        if scope is not None and scope in self.levels:
            yield self.levels[scope]
        for path in self.children.get(scope, ()):
            yield from self.below(path)

    def applications(self, scope: Path | None) -> list[Application]:
        """The applications at or below a level, by path."""
        return [level for level in self.below(scope) if isinstance(level, Application)]

    def effective(self, path: Path) -> Effective:
        """What is in force at a level that is here."""
        known = self._effective.get(path)
        if known is None:
            level = self.levels[path]
            kind = level.kind if isinstance(level, Application) else None
            documents = [(step, self.levels[step].document) for step in lineage(path)]
            known = self._effective[path] = effective(path, documents, kind, SETTINGS)
        return known

    def with_changes(self, number: int, upserted: Iterable[Level], removed: Iterable[Path]) -> "Catalogue":
        """The catalogue after some levels were written or deleted; what is in force elsewhere is not computed again."""
        levels = dict(self.levels)
        stale = set(removed)
        for path in stale:
            levels.pop(path, None)
        for level in upserted:
            if (old := levels.get(level.path)) is None or old.document is not level.document:
                stale.add(level.path)
            levels[level.path] = level
        kept = {path: value for path, value in self._effective.items() if stale.isdisjoint(lineage(path))}
        return catalogue(number, levels.values(), kept)


def counterparts(catalogue: Catalogue, application: Path) -> list[Application]:
    """The applications of the same namespace and name in the other environments of the project, by path."""
    project, own, *rest = application.split("/")
    paths = ("/".join([environment, *rest]) for environment in catalogue.children[Path(project)])
    found = (catalogue.get(Application, Path(path)) for path in paths if not path.startswith(f"{project}/{own}/"))
    return [one for one in found if one is not None]


def catalogue(number: int, levels: Iterable[Level], known: dict[Path, Effective] | None = None) -> Catalogue:
    """The catalogue of some levels."""
    by_path = {level.path: level for level in sorted(levels, key=lambda level: level.path.split("/"))}
    children: dict[Path | None, list[Path]] = {}
    for path in by_path:
        children.setdefault(parent(path), []).append(path)
    return Catalogue(
        number,
        by_path,
        {level.id: path for path, level in by_path.items()},
        {path: tuple(below) for path, below in children.items()},
        known or {},
    )
