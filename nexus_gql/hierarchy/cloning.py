"""A copy of an environment: all its levels with their settings, without its secrets and without what runs of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from nexus_gql import clock, paths
from nexus_gql.access import Viewer
from nexus_gql.database import next_change, transactional
from nexus_gql.paths import Path
from nexus_gql.problems import Problem, ProblemCode, Refused

from . import models
from .catalogue import Catalogue, Environment, Namespace
from .current import Hierarchy
from .documents import Document, is_secret
from .levels import NewLevel, check_new, kubernetes_name_problems, name_taken, namespaces_on, refuse_closed
from .placeholders import names_of, substitute
from .running import COLUMNS as RUNNING
from .settings import Need
from .values import Json
from .versions import level_at

_ROWS_A_STATEMENT = 50
_WEAKEST_FIRST = (None, Need.IGNORED, Need.OPTIONAL, Need.REQUIRED)


class MissingSecret(NamedTuple):
    """A secret that the copy has not, since only the person who set it knows its text."""

    path: Path
    key: str


@dataclass(frozen=True, slots=True)
class Cloned:
    """The copy, and what is left to be set in it, by path and key."""

    environment: Environment
    missing: Sequence[MissingSecret]


async def clone(hierarchy: Hierarchy, viewer: Viewer, source: Path, name: str, cluster_id: str | None) -> Cloned:
    """Copy an environment under another name, onto a cluster; Refused with paths that count from the mutation's arguments."""
    missing = await _clone(hierarchy, viewer, source, name, cluster_id)
    catalogue = await hierarchy.current()
    return Cloned(catalogue.above(Environment, _target(source, name)), missing)


def check_clone(catalogue: Catalogue, viewer: Viewer, source: Path, name: str, cluster_id: str | None) -> Environment:
    """The environment to copy; Refused where a copy of that name cannot be made on that cluster."""
    level = level_at(catalogue, source, None)
    if not isinstance(level, Environment):
        message = f"`{source}` is no environment, and only environments are copied."
        raise Refused(Problem(ProblemCode.INVALID, message, ("path",)))
    check_new(catalogue, viewer, NewLevel(parent=paths.parent(source), name=name, stage=level.stage))
    if problems := [*_namespace_problems(catalogue, viewer, level, name, cluster_id)]:
        raise Refused(problems)
    return level


@transactional
async def _clone(
    hierarchy: Hierarchy, viewer: Viewer, source: Path, name: str, cluster_id: str | None
) -> list[MissingSecret]:
    number = await next_change()
    catalogue = await hierarchy.locked(number)
    check_clone(catalogue, viewer, source, name, cluster_id)
    await refuse_closed(hierarchy, paths.parent(source), "path")
    copying = _Copying(catalogue, source, _target(source, name), number, cluster_id)
    ids = {level.id for level in catalogue.below(source)}
    rows = [row for row in await models.Level.filter(path__startswith=source).values() if str(row["id"]) in ids]
    copies = [models.Level(**copying.row(row)) for row in sorted(rows, key=lambda row: row["path"].split("/"))]
    await models.Level.bulk_create(copies, batch_size=_ROWS_A_STATEMENT)
    return copying.missing


def _target(source: Path, name: str) -> Path:
    return paths.child(Path(source.partition("/")[0]), name)


def _namespace_problems(
    catalogue: Catalogue, viewer: Viewer, source: Environment, name: str, cluster_id: str | None
) -> Iterator[Problem]:
    """What is wrong with the names that the copy's namespaces would have on the cluster."""
    taken = namespaces_on(catalogue, cluster_id)
    for level in catalogue.below(source.path):
        if isinstance(level, Namespace):
            new = NewLevel(parent=_target(source.path, name), name=paths.name(level.path), concern=level.concern)
            yield from kubernetes_name_problems(catalogue, viewer, new)
            kubernetes_name = paths.kubernetes_namespace(new.path)
            if (other := taken.get(kubernetes_name)) is not None:
                remedy = "Choose another name for the copy, or another cluster."
                yield Problem(ProblemCode.ALREADY_EXISTS, name_taken(viewer, other, "this"), ("name",), remedy)


class _Copying:
    """One walk over an environment's rows."""

    def __init__(self, catalogue: Catalogue, source: Path, target: Path, change: int, cluster_id: str | None) -> None:
        self.missing: list[MissingSecret] = []
        self._source = source
        self._target = target
        self._change = change
        self._cluster_id = None if cluster_id is None else UUID(cluster_id)
        self._now = clock.now()
        self._above = catalogue.levels[Path(source.partition("/")[0])].document

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The copy of a row: whatever it has but what belongs to the one place that it is at, and what runs there."""
        path = Path(self._target + row["path"].removeprefix(self._source))
        depth = paths.depth(path)
        copied = {column: value for column, value in row.items() if column not in RUNNING}
        return copied | {
            "id": uuid4(),
            "path": path,
            "display_name": paths.name(path) if path == self._target else row["display_name"],
            "document": self._document(path, row["document"]),
            "version": 1,
            "change": self._change,
            "created_at": self._now,
            "updated_at": self._now,
            "cluster_id": self._cluster_id if depth in {2, 3} else None,
            "kubernetes_name": paths.kubernetes_namespace(path) if depth == 3 else None,
        }

    def _document(self, path: Path, document: Document) -> Document:
        secrets = sorted(key for key, value in document.items() if is_secret(value))
        self.missing += [MissingSecret(path, key) for key in secrets]
        return relocated(
            {key: value for key, value in document.items() if key not in secrets}, self._source, self._above
        )


def relocated(document: Document, source: Path, above: Document) -> dict[str, Json]:
    """A document as a copy of its environment has it: references into the source lead to the same place in the copy.

    `above`: what the project sets. A dependency that it names by the source's own path would come back in the copy once the
    level that overrides it names another one, so it is taken away there.
    """
    result: dict[str, Json] = {}
    for key, value in document.items():
        setting, _, name = key.partition(".")
        if setting == "env" and isinstance(value, dict) and "service" in value:
            service = value["service"]
            result[key] = {"service": {**service, "ref": _relative(service["ref"], source)}}
        elif setting == "dependsOn" and (ref := _relative(name, source)) != name:
            if above.get(key) is not None:
                result[key] = None
            _need(result, f"dependsOn.{ref}", value)
        elif setting == "dependsOn" and name:
            _need(result, key, value)
        else:
            result[key] = value
    return result


def _need(document: dict[str, Json], key: str, value: Json) -> None:
    """Set a dependency. One that was named by both its names, which are one now, is needed as much as either said."""
    if key not in document or _strength(value) > _strength(document[key]):
        document[key] = value


def _strength(value: Json) -> int:
    return _WEAKEST_FIRST.index(None if value is None else Need(value["need"]))


def _relative(reference: str, source: Path) -> str:
    """A reference by full path into an environment, as one relative to it; any other as it is."""
    segments = reference.split("/")
    if len(segments) != 4 or substitute("/".join(segments[:2]), names_of(source)) != source:
        return reference
    return "/".join(segments[2:])
