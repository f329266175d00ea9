"""All registered clusters of this installation, each with its link."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from nexus_gql.supervisor import Supervisor
from nexus_gql.vault import Vault

from .kubeconfig import Loaded
from .link import Link
from .models import Cluster
from .targets import Surroundings, Target, load, target

CREDENTIALS = "credentials"


class Fleet:
    """Knows the clusters and keeps them connected. Followers hear of a cluster that came, changed its state, or went."""

    def __init__(self, vault: Vault, surroundings: Surroundings, supervisor: Supervisor) -> None:
        self.surroundings = surroundings
        self.changing = asyncio.Lock()
        """Held while a registered cluster is changed or removed: of two at once, one would join a link twice."""
        self._vault = vault
        self._supervisor = supervisor
        self._members: dict[str, tuple[Cluster, Link]] = {}
        self._followers: list[Callable[[str], None]] = []

    def follow(self, follower: Callable[[str], None]) -> None:
        """Call a function with a cluster's id at each change from now on. It must not wait."""
        self._followers.append(follower)

    async def start(self) -> None:
        """Take up the clusters that are registered."""
        for row in await Cluster.all():
            self.join(row)

    def join(self, row: Cluster) -> Link:
        """Begin to keep a cluster connected."""
        cluster_id = str(row.id)
        link = Link(
            cluster_id, row.name, row.uid, lambda: self._load(cluster_id), lambda link: self._tell(link.cluster_id)
        )
        self._members[cluster_id] = (row, link)
        self._supervisor.start(_task(cluster_id), link.keep)
        self._tell(cluster_id)
        return link

    async def leave(self, cluster_id: str) -> None:
        """Forget a cluster and end its connection."""
        if (member := self._members.pop(cluster_id, None)) is not None:
            await self._supervisor.stop(_task(cluster_id))
            member[1].give_up()
            self._tell(cluster_id)

    def rows(self) -> list[Cluster]:
        """The registered clusters, by name."""
        return sorted((row for row, _ in self._members.values()), key=lambda row: row.name)

    def row(self, cluster_id: str | None) -> Cluster | None:
        """One registered cluster."""
        member = self._members.get(cluster_id or "")
        return member[0] if member else None

    def named(self, name: str) -> Cluster | None:
        """The registered cluster of that name."""
        return next((row for row, _ in self._members.values() if row.name == name), None)

    def link(self, cluster_id: str) -> Link | None:
        """A cluster's link; None where it is not (or no longer) registered."""
        member = self._members.get(cluster_id)
        return member[1] if member else None

    def target(self, row: Cluster) -> Target:
        """What a row says of how to reach the cluster, its credentials decrypted."""
        content = None
        if row.credentials is not None:
            content = self._vault.decrypt(row.credentials, row=row.id, column=CREDENTIALS)
        return target(row.kind, dict(row.target), content)

    def encrypted(self, cluster_id: UUID, wanted: Target) -> bytes | None:
        """A target's credentials as they are stored."""
        if wanted.content is None:
            return None
        return self._vault.encrypt(wanted.content, row=cluster_id, column=CREDENTIALS)

    async def _load(self, cluster_id: str) -> Loaded:
        row, _ = self._members[cluster_id]
        return await load(self.target(row), self.surroundings)

    def _tell(self, cluster_id: str) -> None:
        for follower in self._followers:
            follower(cluster_id)


def _task(cluster_id: str) -> str:
    return f"cluster {cluster_id}"
