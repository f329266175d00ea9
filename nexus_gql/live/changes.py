"""What the feeds carry: who changed, and enough to tell whom it concerns. What became of it is looked up when it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexus_gql.hierarchy import Application
from nexus_gql.paths import Path

from .objects import Meta
from .store import APPLICATION_LABEL

if TYPE_CHECKING:
    from .scopes import Selection


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """Something on a cluster was made, changed or deleted. Its application, if any, is known by its id."""

    cluster_id: str
    namespace: str
    uid: str
    application_id: str | None

    @classmethod
    def of(cls, cluster_id: str, meta: Meta) -> "ObjectChange":
        """The change of an object with this metadata."""
        return cls(cluster_id, meta.namespace, meta.uid, meta.labels.get(APPLICATION_LABEL))


@dataclass(frozen=True, slots=True)
class StateChange:
    """An application's state, or whether it is serving, changed; or it is gone from the hierarchy."""

    application_id: str


@dataclass(frozen=True, slots=True)
class SightChange:
    """A cluster was lost, or is seen again."""

    cluster_id: str
    lost: bool


@dataclass(frozen=True, slots=True)
class ClusterChange:
    """A cluster was registered or removed, or its connection's state changed."""

    cluster_id: str


@dataclass(frozen=True, slots=True)
class HierarchyChange:
    """Levels were made, changed or deleted. `moved`: the scopes that stand for something else now, with what they stood for."""

    moved: Mapping[Path, "Selection | None"]
    removed: Sequence[Application]


@dataclass(frozen=True, slots=True)
class UsageSampled:
    """A cluster was measured again: its rounds are numbered from 1. `returned`: after rounds that could not be."""

    cluster_id: str
    round: int
    returned: bool


@dataclass(frozen=True, slots=True)
class UsageMissed:
    """A cluster could not be measured. `first`: after a round that went well, or none at all."""

    cluster_id: str
    first: bool


LiveChange = ObjectChange | StateChange | SightChange | ClusterChange | HierarchyChange | UsageSampled | UsageMissed
