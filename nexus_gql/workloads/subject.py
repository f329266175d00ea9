"""What an operation is on: its application, where that runs, what is applied of it, and what may be done there."""

from dataclasses import dataclass

from nexus_gql.clusters import Connection, Fleet, Link
from nexus_gql.hierarchy import Application, Hierarchy
from nexus_gql.live import Live
from nexus_gql.vault import Vault

from . import models
from .apply import Fence
from .holding import Holding
from .operation import PARENTS, Failure, OperationKind, OperationStatus
from .preparation import Place, place_of
from .records import Failed
from .revisions import Revision, revision


@dataclass(frozen=True)
class Surroundings:
    """What operations work with."""

    hierarchy: Hierarchy
    vault: Vault
    fleet: Fleet
    live: Live
    installation_id: str


class Subject:
    """Looked up anew each time, since it may change while the operation runs; Failed where it is gone."""

    def __init__(self, holding: Holding, around: Surroundings) -> None:
        self._holding = holding
        self._around = around

    @property
    def row(self) -> models.Operation:
        """The operation as it was last read or written."""
        return self._holding.row

    @property
    def kind(self) -> OperationKind:
        """What is done."""
        return OperationKind(self.row.kind)

    @property
    def application(self) -> Application:
        """The application as it is declared."""
        level = self._around.hierarchy.latest.by_id(self._holding.operation.application_id or "")
        if not isinstance(level, Application):
            raise Failed(Failure("NotFound", f"`{self.row.path}` is not declared any more."))
        return level

    @property
    def place(self) -> Place:
        """Where it runs."""
        place = place_of(self._around.hierarchy.latest, self.application.path)
        if place is None:
            raise Failed(Failure("NoCluster", "Its environment has no cluster any more."))
        return place

    @property
    def link(self) -> Link | None:
        """To its cluster; None for what has no single place, or where the cluster is not registered any more."""
        return None if self.kind in PARENTS else self._around.fleet.link(self.place.cluster_id)

    async def connection(self) -> Connection:
        """The same, connected."""
        link = self.link
        if link is None:
            raise Failed(Failure("NoCluster", "Its cluster is not registered any more."))
        return await link.connected()

    @property
    def fence(self) -> Fence:
        """What may be done to the objects there."""
        request = self.row.request
        return Fence(
            self.row.number,
            self._around.installation_id,
            self._holding.check,
            take_over=bool(request.get("takeOver")),
            rewrite=bool(self.row.notes.get("rewrite")),
            recreate=bool(request.get("recreate")),
        )

    async def revision(self) -> Revision:
        """What is applied."""
        number, application = self.row.revision, self.application
        found = None if number is None else await revision(application.id, application.path, number)
        if found is None:
            raise Failed(Failure("NotFound", "The revision that it would apply is not there."))
        return found

    async def torn_before(self) -> bool:
        """Whether an operation since the last good deployment was torn off, so that its worker may still be at it."""
        earlier = models.Operation.filter(application_id=self.application.id, number__lt=self.row.number)
        async for row in earlier.order_by("-number").limit(50):
            if row.kind in {OperationKind.DEPLOY, OperationKind.REMOVE} and row.status == OperationStatus.SUCCEEDED:
                return bool(row.notes.get("takenOver"))
            if row.started_at is not None and (row.ending is not None or row.notes.get("takenOver")):
                return True
        return False
