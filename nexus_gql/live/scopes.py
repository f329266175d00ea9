"""What a scope stands for: Kubernetes namespaces on clusters; and which scopes stand for something else after a change."""

from collections.abc import Iterator
from dataclasses import dataclass

from nexus_gql.hierarchy import Application, Catalogue, Change, Environment, Level, Namespace
from nexus_gql.paths import Path, lineage

from .changes import HierarchyChange, ObjectChange


@dataclass(frozen=True, slots=True)
class Selection:
    """Kubernetes namespaces by cluster, and one application in them where the scope is one."""

    places: frozenset[tuple[str, str]]
    application_id: str | None = None

    @property
    def clusters(self) -> list[str]:
        """The clusters concerned."""
        return sorted({cluster_id for cluster_id, _ in self.places})

    def has(self, change: ObjectChange) -> bool:
        """Whether a change concerns something in here."""
        if (change.cluster_id, change.namespace) not in self.places:
            return False
        return self.application_id is None or change.application_id == self.application_id


def select(catalogue: Catalogue, scope: Path) -> Selection | None:
    """What a level stands for; None where there is no such level."""
    if scope not in catalogue.levels:
        return None
    level = catalogue.levels[scope]
    if isinstance(level, Application):
        namespaces = [catalogue.above(Namespace, scope)]
    else:
        namespaces = [below for below in catalogue.below(scope) if isinstance(below, Namespace)]
    places = (
        (catalogue.above(Environment, namespace.path).cluster_id, namespace.kubernetes_name) for namespace in namespaces
    )
    return Selection(
        frozenset((cluster_id, name) for cluster_id, name in places if cluster_id is not None),
        level.id if isinstance(level, Application) else None,
    )


def hierarchy_change(change: Change) -> HierarchyChange:
    """What of a change the feeds keep: thousands are kept, and two catalogues with each would fill the memory."""
    moved: dict[Path, Selection | None] = {}
    for scope in dict.fromkeys(_affected(change)):
        before = select(change.before, scope)
        if before != select(change.after, scope):
            moved[scope] = before
    return HierarchyChange(moved, tuple(level for level in change.removed if isinstance(level, Application)))


def _affected(change: Change) -> Iterator[Path]:
    """Scopes that may stand for something else. Most changes, such as those of settings, have none."""
    for level in (*change.upserted, *change.removed):
        then, now = (_standing(catalogue.levels.get(level.path)) for catalogue in (change.before, change.after))
        if then == now:
            continue
        yield level.path
        if isinstance(level, Namespace | Environment):
            yield from lineage(level.path)
            for catalogue in (change.before, change.after):
                yield from (below.path for below in catalogue.below(level.path))


def _standing(level: Level | None) -> object:
    """What of a level itself decides what scopes stand for."""
    match level:
        case Environment():
            return level.id, level.cluster_id
        case Namespace():
            return level.id, level.kubernetes_name
        case _:
            return level and level.id
