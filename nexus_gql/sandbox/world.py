"""What every controller is given: the store, the time, what can be looked up, and where to tell what happened."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

from nexus_gql.sandbox.clock import Clock
from nexus_gql.sandbox.events import Recorder
from nexus_gql.sandbox.index import Index
from nexus_gql.sandbox.objects import Key
from nexus_gql.sandbox.store import Store, Stored

Touched = Callable[[Stored], Iterable[Key]]
"""Which keys of a controller a write concerns."""


@dataclass(frozen=True, slots=True)
class World:
    """The cluster as a controller sees it."""

    store: Store
    clock: Clock
    random: Random
    index: Index
    events: Recorder

    def now(self) -> float:
        """Seconds since 1970."""
        return self.clock.now().timestamp()


class Controller(Protocol):
    """Brings one kind of thing from what is to what should be, one key at a time."""

    @property
    def name(self) -> str:
        """As it signs its events and its fields."""

    @property
    def watches(self) -> Mapping[str, Touched]:
        """By kind: whom a write of that kind concerns."""

    def reconcile(self, key: Key) -> float | None:
        """Do what is to be done for a key now; seconds until it should be looked at even if nothing is written, or None."""


def itself(write: Stored) -> Iterable[Key]:
    """A write concerns the object that was written."""
    metadata = write.object["metadata"]
    return ((metadata.get("namespace", ""), metadata["name"]),)


def its_controller(kind: str) -> Touched:
    """A write concerns the controlling owner of that kind, and the one before where that changed."""

    def touched(write: Stored) -> Iterable[Key]:
        metadata = write.object["metadata"]
        for reference in metadata.get("ownerReferences") or ():
            if reference.get("controller") and reference["kind"] == kind:
                return ((metadata["namespace"], reference["name"]),)
        return ()

    return touched
