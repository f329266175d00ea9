"""The graph of everything that is known, kept up to date as the hierarchy and the clusters change.

What is declared is read anew when a document changes, what runs when a template, a name or a text does: at most once in a tenth of
a second, however much changes. How a node is doing goes onto the board at once. Each flush that made a difference is one change in
the feed.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from nexus_gql import clock
from nexus_gql.database import is_unavailable
from nexus_gql.hierarchy import Application, Catalogue, Change, Level
from nexus_gql.live import (
    GRACE,
    PATIENCE,
    Feed,
    HierarchyChange,
    Lapsed,
    Live,
    ObjectChange,
    SightChange,
    Sighting,
    StateChange,
    Want,
    hierarchy_change,
)
from nexus_gql.live import Workload as Observed
from nexus_gql.supervisor import Supervisor

from .board import Board, Delta
from .graph import (
    ShownNode,
    application_id,
    workload_id,
)
from .picture import Picture
from .reading import Reader
from .turns import Steps, in_turns
from .workflows import Workflows

log = structlog.get_logger(__name__)

_STRUCTURE_EVERY = 0.1
"""Seconds between two readings of what leads where."""
_WORKFLOWS_AGAIN = 1.0
"""Seconds until a database that was away is asked again."""
_TICK = 0.02
_NAMES = (Want.INGRESSES, Want.CONFIG_MAPS)
"""What is listed only because it may lead from one workload to another."""


@dataclass(frozen=True, slots=True)
class TopologyChange:
    """What one flush made different; `before` and `after`: the graph until then, and as it made it."""

    delta: Delta
    before: Picture
    after: Picture


GraphChange = TopologyChange | HierarchyChange | SightChange


class Topology:
    """The room's face: the graph as it is, and the feed of its changes."""

    def __init__(self, live: Live, workflows: Workflows) -> None:
        # Few, since each change keeps the graph before it: who falls further behind gets a new snapshot.
        self.feed: Feed[GraphChange] = Feed(32)
        self.workflows = workflows
        self._live = live
        self._board = Board()
        self._reader = Reader(live, workflows, self._board)
        self._news = asyncio.Event()
        self._heard: dict[Feed[Any], int] = {}
        self._next_reading = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._whole: set[str] = set()  # those that were read with all that names something there
        self._stale_clusters: set[str] = set()
        self._stale_hierarchy = True
        self._stale_workflows = True
        self._states: dict[str, None] = {}
        self._told: list[HierarchyChange | SightChange] = []
        self._applications: Mapping[str, Application] = {}  # those of the picture
        self._busy = False

    def start(self, supervisor: Supervisor) -> None:
        """Begin to follow."""
        self.workflows.follow(self._declared_otherwise)
        supervisor.start("topology hierarchy", self._follow_hierarchy)
        supervisor.start("topology states", self._follow_states)
        supervisor.start("topology workloads", self._follow_workloads)
        supervisor.start("topology structure", self._follow_structure)
        supervisor.start("topology", self._keep)

    @property
    def picture(self) -> Picture:
        """All of it, as of the last change."""
        return self._board.picture()

    def node(self, node_id: str) -> ShownNode | None:
        """One node as it is shown."""
        return self._board.shown(node_id)

    def application(self, node_id: str) -> Application | None:
        """The application that a node stands for."""
        return self._applications.get(node_id)

    def workload(self, node_id: str) -> Observed | None:
        """The workload that a node stands for."""
        return self._reader.workload(node_id)

    async def settled(self, cluster_ids: Collection[str] | None = None, limit: float = PATIENCE) -> bool:
        """Wait until what is declared was read, and some clusters, or all, once; whether that came in time.

        So the first question after a start is not answered with half of the graph. A cluster that cannot be read now is not
        waited for, nor is one that was read before.
        """
        try:
            async with asyncio.timeout(limit):
                # What is listed is told on no feed of its own, and looking costs next to nothing.
                while not self._is_settled(cluster_ids):  # noqa: ASYNC110
                    await asyncio.sleep(_TICK)
        except TimeoutError:
            return False
        return True

    def _is_settled(self, cluster_ids: Collection[str] | None) -> bool:
        heard = all(self._heard.get(feed) == feed.position for feed in self._feeds)
        if not heard or self._busy or self._news.is_set() or self._stale_hierarchy or self._stale_workflows:
            return False
        wanted = self._reader.inhabited if cluster_ids is None else self._reader.inhabited.intersection(cluster_ids)
        self._whole |= {one for one in wanted - self._whole if self._is_whole(one)}
        return all(one in self._whole or self._is_out_of_sight(one) for one in wanted)

    @property
    def _feeds(self) -> tuple[Feed[Any], ...]:
        live = self._live
        return live.hierarchy_feed, live.health_feed, live.workload_feed, live.structure_feed

    def _is_whole(self, cluster_id: str) -> bool:
        """Whether nothing that names something on a cluster is still to be listed, or to be read here."""
        view = self._live.views.get(cluster_id)
        if (
            view is None
            or cluster_id in self._stale_clusters
            or cluster_id not in self._reader.read
            or self._live.judging
        ):
            return False
        return view.synced and all(view.has(want) or view.trouble_with(want) for want in _NAMES)

    def _is_out_of_sight(self, cluster_id: str) -> bool:
        view = self._live.views.get(cluster_id)
        return view.sighting is Sighting.UNSEEN if view is not None else self._live.fleet.link(cluster_id) is None

    # ── what is heard ──

    async def _follow_states(self) -> None:
        async for change in self._news_of(self._live.health_feed):
            match change:
                case None:
                    self._all_stale()
                    self.feed.lapse()  # which clusters were lost is not told any more
                case StateChange(id):
                    self._states[application_id(id)] = None
                case SightChange(cluster_id, lost):
                    self._told.append(change)
                    self._stale_clusters.add(cluster_id)
                    if lost:
                        asyncio.get_running_loop().call_later(GRACE, self._cluster_changed, cluster_id)
                case _:
                    pass
            self._news.set()

    async def _follow_hierarchy(self) -> None:
        async for change in self._news_of(self._live.hierarchy_feed):
            if change is None:
                self._all_stale()
                self.feed.lapse()  # what scopes became is not told any more
            else:
                self._told.append(hierarchy_change(change))
                self._hierarchy_changed(change)
            self._news.set()

    async def _follow_workloads(self) -> None:
        async for change in self._news_of(self._live.workload_feed):
            match change:
                case None:
                    self._all_stale()
                case ObjectChange(cluster_id=cluster_id, uid=uid, application_id=key):
                    known = uid in self._reader.read.get(cluster_id, ())
                    if known is not ((cluster_id, uid) in self._live.workloads):
                        self._stale_clusters.add(cluster_id)
                    self._states[workload_id(cluster_id, uid)] = None
                    if key is not None:
                        self._states[application_id(key)] = None  # its pods may be others while its state is the same
                case _:
                    pass
            self._news.set()

    async def _follow_structure(self) -> None:
        async for change in self._news_of(self._live.structure_feed):
            if change is None:
                self._all_stale()
                self._news.set()
            else:
                self._cluster_changed(change.cluster_id)

    async def _news_of(self, feed: Feed[Any]) -> AsyncIterator[Any]:
        """Each change as it comes; None where some were missed, as before the first."""
        position = feed.position
        yield None
        while True:
            self._heard[feed] = position
            await feed.newer(position)
            changes = feed.since(position)
            position = feed.position
            for change in [None] if isinstance(changes, Lapsed) else changes:
                yield change

    def _cluster_changed(self, cluster_id: str) -> None:
        self._stale_clusters.add(cluster_id)
        self._news.set()

    def _hierarchy_changed(self, change: Change) -> None:
        """An operation writes its application's row at every step; that alone changes nothing here.

        A number that no level has is that of a workflow, or of a level that is gone.
        """
        told = len({level.change for level in change.upserted}) >= change.after.number - change.before.number
        if not told or any(_declares_otherwise(change.before, level) for level in change.upserted):
            self._stale_hierarchy = self._stale_workflows = True
        for level in change.upserted:
            if isinstance(level, Application):
                self._states[application_id(level.id)] = None

    def _declared_otherwise(self) -> None:
        self._stale_hierarchy = True
        self._news.set()

    def _ask_again(self) -> None:
        self._stale_workflows = True
        self._news.set()

    def _all_stale(self) -> None:
        self._stale_hierarchy = self._stale_workflows = True
        self._stale_clusters |= self._reader.inhabited

    # ── what is made of it ──

    async def _keep(self) -> None:
        self._all_stale()
        self._news.set()
        while True:
            self._busy = False
            await self._news.wait()
            self._news.clear()
            self._busy = True
            if self._is_stale and clock.elapsed() >= self._next_reading:
                if self._stale_workflows:
                    await self._load_workflows()
                await in_turns(self._read())
                self._next_reading = clock.elapsed() + _STRUCTURE_EVERY
            await self._settle()
            if self._is_stale and self._timer is None:
                self._timer = asyncio.get_running_loop().call_at(self._next_reading, self._is_due)

    @property
    def _is_stale(self) -> bool:
        return self._stale_hierarchy or self._stale_workflows or bool(self._stale_clusters)

    def _is_due(self) -> None:
        self._timer = None
        self._news.set()

    async def _load_workflows(self) -> None:
        """Read them, if the database can be reached: what runs is followed in any case."""
        self._stale_workflows = False  # first: what is declared meanwhile may not be among them
        try:
            await self.workflows.load()
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("The workflows cannot be read now; those known so far stand", error=str(error))
            asyncio.get_running_loop().call_later(_WORKFLOWS_AGAIN, self._ask_again)

    async def _settle(self) -> None:
        """Bring the board up to date, and tell what that made of it: before a change of the hierarchy what it made of the graph.

        What comes meanwhile is kept for the next time.
        """
        states, self._states = self._states, {}
        for node_id in states:
            self._reader.judge(node_id)
        before = self._board.picture()
        delta = await in_turns(self._board.flush_in_steps())
        self._applications = self._reader.applications
        if delta:
            self.feed.publish(TopologyChange(delta, before, self._board.picture()))
        if self._is_stale:
            return
        told, self._told = self._told, []
        for change in told:
            self.feed.publish(change)

    def _read(self) -> Steps[None]:
        """Read what became stale: what is declared, and what is seen of the clusters.

        Each is taken for read before it is: what comes meanwhile makes it stale again.
        """
        if self._stale_hierarchy:
            self._stale_hierarchy = False
            otherwise = yield from self._reader.read_hierarchy(self._live.hierarchy.latest)
            self._stale_clusters |= otherwise
        self._live.keep_structure(self._reader.inhabited & self._live.views.keys())
        for cluster_id in sorted(self._stale_clusters):
            # Before the first verdicts on a cluster, its Services would seem to have nothing behind them.
            if cluster_id in self._reader.read or not self._live.judging:
                self._stale_clusters.discard(cluster_id)
                yield from self._reader.read_cluster(cluster_id)
        self._whole &= self._reader.read.keys()


def _declares_otherwise(before: Catalogue, level: object) -> bool:
    """Whether a level that was written says anything else than it did."""
    old = before.levels.get(level.path) if isinstance(level, Level) else None
    if old is None or not isinstance(level, Level) or old.id != level.id:
        return True
    same = old.document is level.document and old.display_name == level.display_name
    return not (same and (isinstance(level, Application) or old == replace(level, change=old.change)))
