"""Who needs what of a cluster: watches and polling that run only while somebody looks, and for a while after."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from enum import StrEnum

from nexus_gql import clock


class Want(StrEnum):
    """What is not always open. CLUSTER: everything that is always watched where an environment is."""

    CLUSTER = "CLUSTER"
    EVENTS = "EVENTS"
    NODES = "NODES"
    NAMESPACES = "NAMESPACES"
    INGRESSES = "INGRESSES"
    CONFIG_MAPS = "CONFIG_MAPS"
    USAGE = "USAGE"


# A person who looks around comes back within minutes, and a list costs more than a watch that is silent. Usage is asked for
# anew every few seconds, so it ends sooner.
LINGER = {want: 60.0 if want is Want.USAGE else 300.0 for want in Want}
"""Seconds for which something stays open after its last need."""

Key = tuple[str, Want]


class Demands:
    """Needs by cluster. `changed` is called when one begins, and when one has been over for as long as it lingers."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._until: dict[Key, float] = {}
        self._holders: Counter[Key] = Counter()
        self._kept: set[Key] = set()

    def wanted(self, cluster_id: str, want: Want) -> bool:
        """Whether something is needed, or was a moment ago."""
        return (cluster_id, want) in self._until or (cluster_id, want) in self._kept

    def clusters(self, want: Want) -> set[str]:
        """The clusters that are needed for something. What is kept does not count: it would keep its own cluster for ever."""
        return {cluster_id for cluster_id, one in self._until if one is want}

    def touch(self, want: Want, cluster_ids: Collection[str]) -> None:
        """It is needed now, and may be again soon."""
        for cluster_id in cluster_ids:
            self._begin((cluster_id, want))

    @contextmanager
    def held(self, want: Want, cluster_ids: Collection[str]) -> Iterator[None]:
        """It is needed for as long as this is open."""
        keys = [(cluster_id, want) for cluster_id in cluster_ids]
        self._holders.update(keys)
        for key in keys:
            self._begin(key)
        try:
            yield
        finally:
            self._holders.subtract(keys)
            self.touch(want, cluster_ids)

    def keep(self, want: Want, cluster_id: str) -> None:
        """It is needed until the cluster itself is not needed any more: see `forget`."""
        if (cluster_id, want) not in self._kept:
            self._kept.add((cluster_id, want))
            self._changed()

    def forget(self, cluster_id: str) -> None:
        """Nothing stands on the cluster any more: what was kept is not needed."""
        self._kept = {key for key in self._kept if key[0] != cluster_id}

    def _begin(self, key: Key) -> None:
        new = key not in self._until
        self._until[key] = clock.elapsed() + LINGER[key[1]]
        if new:
            self._wait(key)
            self._changed()

    def _wait(self, key: Key) -> None:
        asyncio.get_running_loop().call_at(self._until[key], self._look, key)

    def _look(self, key: Key) -> None:
        if self._holders[key] > 0:
            self._until[key] = clock.elapsed() + LINGER[key[1]]
        if self._until[key] > clock.elapsed():
            self._wait(key)
        else:
            del self._until[key], self._holders[key]
            self._changed()
