"""What somebody is shown who may not see all, or filters, is compared from change to change: one view is made for each, not two."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from nexus_gql.access import EVERYTHING, Role, Viewer
from nexus_gql.access.scope import Scope, scope
from nexus_gql.live import ApplicationState, Health, HierarchyChange, Verdict
from nexus_gql.paths import Path
from nexus_gql.schema.context import Context
from nexus_gql.schema.feeds import Step, text_of
from nexus_gql.schema.topology import TopologyFilter
from nexus_gql.schema.topology_feed import TOPOLOGY, TopologyUpdate, Wanted
from nexus_gql.topology import Board, LastMade, Picture, TopologyChange

from .hierarchy import configure
from .server import Nexus
from .topology_graph import CHURN, FRAUD, STORE

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNT = 6
UP = ApplicationState(Verdict(Health.HEALTHY, "It runs."), serving=True)
DOWN = ApplicationState(Verdict(Health.DEGRADED, "No pod is ready."), serving=False)
MODELS = Path("or/local/models")
PARTIAL = scope([(MODELS, Role.VIEWER)])
AMISS = TopologyFilter(unhealthy_only=True)


class Counting(LastMade[Picture]):
    """Counts what is made."""

    count = 0

    def of(self, picture: Picture, terms: object, make: Callable[[], Picture]) -> Picture:
        def counted() -> Picture:
            self.count += 1
            return make()

        return super().of(picture, terms, counted)


class Subscriber:
    """A subscription to the graph, and how many views and sights were made for it."""

    def __init__(self, nexus: Nexus, sees: Scope, wanted: TopologyFilter | None) -> None:
        self.context = Context(Viewer("ann", "test", sees), nexus.rooms)
        self.context.sights = self.sights = Counting()
        self.views = Counting()
        self.wanted = Wanted(MODELS, wanted, self.views)

    async def begin(self) -> None:
        await TOPOLOGY.snapshot(self.context, self.wanted)

    async def step(self, changes: Sequence[Any]) -> Step[TopologyUpdate]:
        feed = self.context.rooms.topology.feed
        return await TOPOLOGY.change(self.context, self.wanted, changes, text_of(feed, feed.position))


def changes_from(picture: Picture, count: int) -> list[TopologyChange]:
    """Somebody's health changes so many times, beginning with what is there."""
    board = Board()
    for shown in picture.nodes.values():
        board.put_node(shown.node, shown.state)
    for origin, needs in picture.needs.items():
        board.set_edges(origin, [one.edge for one in needs])
    board.flush()
    paths = {shown.node.path: key for key, shown in picture.nodes.items()}
    before, made = picture, []
    for number in range(count):
        board.set_state(paths[Path(CHURN if number % 4 < 2 else FRAUD)], DOWN if number % 2 == 0 else UP)
        delta = board.flush()
        made.append(TopologyChange(delta, before, board.picture()))
        before = board.picture()
    return made


KINDS = pytest.mark.parametrize(
    ("sees", "wanted", "views", "sights"),
    [(PARTIAL, None, COUNT + 1, COUNT + 1), (EVERYTHING, AMISS, COUNT + 1, 0), (PARTIAL, AMISS, COUNT + 1, COUNT + 1)],
    ids=["partial", "filtered", "both"],
)


@KINDS
async def test_each_change_should_cost_one_view_and_tell_what_two_would(
    graph: Nexus, sees: Scope, wanted: TopologyFilter | None, views: int, sights: int
) -> None:
    one = Subscriber(graph, sees, wanted)
    await one.begin()
    told: list[TopologyUpdate] = []
    for change in changes_from(graph.rooms.topology.picture, COUNT):
        step = await one.step([change])
        told += step.frames
        assert step == await Subscriber(graph, sees, wanted).step([change])
    assert (one.views.count, one.sights.count) == (views, sights)
    assert len(told) == COUNT


@KINDS
async def test_those_who_lag_should_not_make_the_front_look_again(
    graph: Nexus, sees: Scope, wanted: TopologyFilter | None, views: int, sights: int
) -> None:
    """Members of one cohort share what is kept: two of them lag, each from another place. Such a step costs where it begins, no more."""
    one = Subscriber(graph, sees, wanted)
    await one.begin()
    changes, late = changes_from(graph.rooms.topology.picture, COUNT), 0
    for number in range(1, COUNT + 1):
        lagging = [changes[start:number] for start in (0, 1) if number - start > 1]
        late += len(lagging)
        for steps in (changes[number - 1 : number], *lagging):
            assert await one.step(steps) == await Subscriber(graph, sees, wanted).step(steps)
    assert late == 9
    assert one.views.count == views + late
    assert one.sights.count == (sights + late if sights else 0)


async def test_nothing_should_be_kept_where_the_changes_tell_all(graph: Nexus) -> None:
    one = Subscriber(graph, EVERYTHING, None)
    await one.begin()
    for change in changes_from(graph.rooms.topology.picture, COUNT):
        await one.step([change])
    assert (one.views.count, one.sights.count) == (0, 0)


async def test_a_change_of_settings_should_leave_what_is_kept(graph: Nexus) -> None:
    """Each step of an operation makes another catalogue, in which a scope stands for the same."""
    one = Subscriber(graph, PARTIAL, None)
    await one.begin()
    changes = changes_from(graph.rooms.topology.picture, COUNT)
    for number, change in enumerate(changes):
        before = graph.rooms.hierarchy.latest
        await configure(graph, STORE, {"annotations": [{"name": "a", "value": str(number)}]})
        assert graph.rooms.hierarchy.latest is not before
        await one.step([HierarchyChange({}, ()), change])
    assert (one.views.count, one.sights.count) == (COUNT + 1, COUNT + 1)
