"""What thousands of workloads and applications say is read in portions: others see it read or not, and nothing that comes meanwhile is lost."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from nexus_gql.hierarchy import Application, Level, Namespace
from nexus_gql.live import ApplicationState, Live
from nexus_gql.live.objects import Deployment, Service
from nexus_gql.paths import Path
from nexus_gql.supervisor import Supervisor
from nexus_gql.topology import (
    UNDECLARED,
    Board,
    Edge,
    End,
    Node,
    Picture,
    Topology,
    Workflows,
    application_id,
    workload_id,
)
from nexus_gql.topology.reading import Reader
from nexus_gql.topology.turns import PORTION, Steps, at_once
from tests.unit.live.test_live import APP, DEPLOYMENT, NAMES, World, levels, world

pytestmark = pytest.mark.looptime

COUNT = 3 * PORTION + 7
LAST = workload_id("c1", f"d{COUNT - 1}")


class NoWorkflows(Workflows):
    """There is no database here."""

    async def load(self) -> None:
        """There are none."""


class Counting(Board):
    """A board that counts what is put on it."""

    count = 0

    def put_node(self, node: Node, state: ApplicationState | None) -> None:
        self.count += 1
        super().put_node(node, state)

    def set_edges(self, origin: str, edges: Iterable[Edge], ends: Iterable[End] = ()) -> None:
        self.count += 1
        super().set_edges(origin, edges, ends)


def declared(count: int) -> list[Level]:
    """The hierarchy of the world, and so many applications more."""
    known = levels()
    churn = known[-1]
    assert isinstance(churn, Application)
    more = [replace(churn, id=f"a{number}", path=Path(f"or/local/models/a{number}")) for number in range(count)]
    return [*known, *more]


def deployment(number: int, calls: int, version: int = 1) -> Deployment:
    """A Deployment that nobody declared and that calls another one."""
    labels = {"app": f"d{number}"}
    container = {"name": "main", "env": [{"name": "NEXT_URL", "value": f"http://d{calls}:80"}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    meta = {"name": f"d{number}", "namespace": "beside", "uid": f"d{number}", "resourceVersion": str(version)}
    return msgspec.convert({"metadata": meta, "spec": {"template": template}}, Deployment)


def service(number: int) -> Service:
    meta = {"name": f"d{number}", "namespace": "beside", "uid": f"s{number}", "resourceVersion": "1"}
    return msgspec.convert({"metadata": meta, "spec": {"selector": {"app": f"d{number}"}}}, Service)


async def fill(there: World) -> None:
    """Each workload calls the one before it."""
    there.hierarchy.becomes(declared(COUNT))
    for number in range(COUNT):
        put(there, deployment(number, max(0, number - 1)))
        there.live.views["c1"]._writers["Service"].put(service(number))
    await asyncio.sleep(5)


def put(there: World, made: Deployment) -> None:
    there.live.views["c1"]._writers["Deployment"].put(made)


def reader(live: Live) -> tuple[Reader, Counting]:
    board = Counting()
    return Reader(live, NoWorkflows(live.hierarchy), board), board


def steps_of(work: Steps[object], board: Counting) -> list[int]:
    """How much was put on the board in each step."""
    counts = [board.count, *(board.count for _ in work), board.count]
    return [after - before for before, after in pairwise(counts)]


async def test_no_step_of_a_reading_should_put_more_than_a_portion_onto_the_board() -> None:
    async with world() as there:
        await fill(there)
        read, board = reader(there.live)

        hierarchy = steps_of(read.read_hierarchy(there.catalogue), board)
        cluster = steps_of(read.read_cluster("c1"), board)

    assert max(hierarchy) == 2 * PORTION  # a node and its edges
    assert sum(hierarchy) == 2 * (COUNT + 1)
    assert max(cluster) == PORTION
    assert sum(cluster) == 2 * COUNT - 1  # the first calls only itself


async def test_a_changed_template_should_have_its_own_calls_resolved_again_and_no_others() -> None:
    async with world() as there:
        await fill(there)
        read, _ = reader(there.live)
        at_once(read.read_hierarchy(there.catalogue))
        found = []
        for version in (1, 2):
            put(there, deployment(COUNT - 1, 5 * version, version))
            at_once(read.read_cluster("c1"))
            found.append(read._found["c1"])

    before, after = found
    assert len(after) == COUNT - 1  # the first calls only itself
    assert [node_id for node_id, signs in after.items() if signs[0] is not before[node_id][0]] == [LAST]


async def test_an_application_that_goes_while_the_hierarchy_is_read_should_be_left_out() -> None:
    async with world() as there:
        await fill(there)
        read, board = reader(there.live)
        steps = read.read_hierarchy(there.catalogue)
        next(steps)
        there.hierarchy.becomes(levels()[:2])

        at_once(steps)
        read.judge(application_id(APP))
        board.flush()

    assert 0 < len(board.picture().nodes) <= PORTION


def another_text(there: World) -> Callable[[Picture], bool]:
    """The last workload calls another one than before."""
    put(there, deployment(COUNT - 1, 5, version=2))
    return lambda shown: [one.edge.target for one in shown.needs.get(LAST, ())] == [workload_id("c1", "d5")]


def one_less(there: World) -> Callable[[Picture], bool]:
    """The last workload is gone."""
    there.live.views["c1"]._writers["Deployment"].remove(f"d{COUNT - 1}")
    return lambda shown: LAST not in shown.nodes


def one_more_declared(there: World) -> Callable[[Picture], bool]:
    """Another application is declared."""
    there.hierarchy.becomes(declared(COUNT + 1))
    return lambda shown: application_id(f"a{COUNT}") in shown.nodes


@pytest.mark.parametrize("turn", [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 40])
@pytest.mark.parametrize("change", [another_text, one_less, one_more_declared])
async def test_a_change_in_any_turn_of_a_reading_should_be_in_the_graph_afterwards(
    change: Callable[[World], Callable[[Picture], bool]], turn: int
) -> None:
    async with world() as there, Supervisor() as supervisor:
        await fill(there)
        topology = Topology(there.live, NoWorkflows(there.hierarchy))
        topology.start(supervisor)
        for _ in range(turn):
            await asyncio.sleep(0)
        is_seen = change(there)
        await asyncio.sleep(1)

        assert is_seen(topology.picture)


async def test_nobody_should_see_a_graph_that_is_half_read() -> None:
    async with world() as there, Supervisor() as supervisor:
        await fill(there)
        topology = Topology(there.live, NoWorkflows(there.hierarchy))
        topology.start(supervisor)
        waiting = asyncio.create_task(topology.settled(["c1"]))
        seen = []
        while not waiting.done():
            one = topology.picture
            known = topology.application(application_id(APP)) is not None
            seen.append((len(one.nodes), len(one.edges), topology.node(LAST) is not None, known))
            await asyncio.sleep(0.001 if one.nodes else 0)

    whole = 2 * COUNT + 1
    assert len(seen) > 20
    assert set(seen) == {(0, 0, False, False), (whole, COUNT - 1, True, True)}


# ── who calls an application that does not run ──

CALLER = workload_id("c1", "caller")
CHURN_NODE = application_id(APP)
PHANTOM = "service:c1/or-local-models/churn"


def calling(text: str) -> Deployment:
    """A Deployment beside the application that calls what a text says."""
    container = {"name": "main", "env": [{"name": "CHURN_URL", "value": text}]}
    template = {"metadata": {"labels": {"app": "caller"}}, "spec": {"containers": [container]}}
    meta = {"name": "caller", "namespace": "or-local-models", "uid": "caller", "resourceVersion": "1"}
    return msgspec.convert({"metadata": meta, "spec": {"template": template}}, Deployment)


def running() -> Deployment:
    """What the application runs as."""
    meta = {**NAMES, "name": "churn", "uid": "churn", "resourceVersion": "1"}
    template = {"metadata": {"labels": NAMES["labels"]}}
    return msgspec.convert({"metadata": meta, "spec": {"template": template}}, Deployment)


def its_service() -> Service:
    meta = {**NAMES, "name": "churn", "uid": "service", "resourceVersion": "1"}
    spec = {"selector": NAMES["labels"], "ports": [{"port": 8080}]}
    return msgspec.convert({"metadata": meta, "spec": spec}, Service)


def declaring(document: dict[str, Any], kubernetes_name: str = "or-local-models") -> list[Level]:
    """The hierarchy of the world, its application not deployed and with settings of its own."""
    project, environment, namespace, churn = levels(deployed=False)
    assert isinstance(namespace, Namespace)
    placed = replace(namespace, kubernetes_name=kubernetes_name)
    return [project, environment, placed, replace(churn, document=document)]


async def test_a_call_should_lead_to_the_application_that_would_answer_as_long_as_one_is_declared() -> None:
    port: dict[str, Any] = {"ports.http": {"port": 8080}}
    steps: list[tuple[str, Callable[[World], object], str]] = [
        ("declared", lambda there: there.hierarchy.becomes(declaring(port)), CHURN_NODE),
        ("as a job", lambda there: there.hierarchy.becomes(declaring({"workload": "JOB"})), PHANTOM),
        ("as a server again", lambda there: there.hierarchy.becomes(declaring(port)), CHURN_NODE),
        ("elsewhere", lambda there: there.hierarchy.becomes(declaring(port, "another")), PHANTOM),
        ("back", lambda there: there.hierarchy.becomes(declaring(port)), CHURN_NODE),
        ("its Service comes", lambda there: writer(there, "Service").put(its_service()), CHURN_NODE),
        ("it runs", lambda there: put(there, running()), CHURN_NODE),
        ("its Service is deleted alone", lambda there: writer(there, "Service").remove("service"), PHANTOM),
        ("nothing of it runs", lambda there: writer(there, "Deployment").remove("churn"), CHURN_NODE),
        ("it is deleted", lambda there: there.hierarchy.becomes(levels()[:3]), PHANTOM),
        ("and declared anew", lambda there: there.hierarchy.becomes(declaring(port)), CHURN_NODE),
    ]
    seen = []
    async with world() as there, Supervisor() as supervisor:
        writer(there, "Deployment").remove(DEPLOYMENT["metadata"]["uid"])
        put(there, calling("http://churn.or-local-models:8080"))
        topology = Topology(there.live, NoWorkflows(there.hierarchy))
        topology.start(supervisor)
        for word, make, _ in steps:
            make(there)
            await asyncio.sleep(1)
            seen.append((word, [one.edge.target for one in topology.picture.needs[CALLER]]))

    assert seen == [(word, [target]) for word, _, target in steps]


def writer(there: World, kind: str) -> Any:
    return there.live.views["c1"]._writers[kind]


async def test_only_a_promise_that_became_another_should_have_a_cluster_read_again() -> None:
    async with world() as there:
        read, _ = reader(there.live)
        at_once(read.read_hierarchy(there.catalogue))
        found = []
        for port, replicas in ((8080, 1), (9090, 1), (9090, 2)):
            there.hierarchy.becomes(declaring({"ports.http": {"port": port}, "replicas": replicas}))
            found.append(at_once(read.read_hierarchy(there.catalogue)))

    assert found == [set(), {"c1"}, set()]


async def test_a_reference_to_nobody_should_be_a_node_that_is_missing_and_does_not_answer() -> None:
    async with world() as there:
        there.hierarchy.becomes(declaring({"dependsOn.nobody": {"need": "REQUIRED"}}))
        read, board = reader(there.live)
        at_once(read.read_hierarchy(there.catalogue))
        board.flush()
        shown = board.picture().nodes["application:or/local/models/nobody"]

    assert shown.state == UNDECLARED
