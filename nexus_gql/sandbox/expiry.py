"""Events are forgotten after an hour: a controller with one key, which looks when the next one is due."""

from collections.abc import Iterable, Mapping

from nexus_gql.sandbox.objects import Key
from nexus_gql.sandbox.store import Stored
from nexus_gql.sandbox.world import Touched, World

_ONE: tuple[Key, ...] = (("", ""),)


class Expiry:
    """The controller."""

    name = "event-expiry"

    def __init__(self, world: World) -> None:
        self._world = world
        self.watches: Mapping[str, Touched] = {"Event": _added}

    def reconcile(self, key: Key) -> float | None:  # noqa: ARG002 - there is only one
        """Forget what is old."""
        return self._world.events.expire()


def _added(write: Stored) -> Iterable[Key]:
    return _ONE if write.type == "ADDED" else ()
