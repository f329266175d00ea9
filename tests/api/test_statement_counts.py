"""A list of a thousand costs the database what a list of ten does."""

import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from nexus_gql import clock
from nexus_gql.database import next_change, transactional
from nexus_gql.hierarchy.models import Level
from nexus_gql.paths import Path
from nexus_gql.workloads import OperationKind, OperationStatus
from nexus_gql.workloads.models import Operation, Revision
from tests.conftest import Counting

from .hierarchy import configure, declare_all, join_dead_cluster
from .server import Nexus

MODELS = "or/local/models"

LIST = """query ($first: Int) { applications(scope: "or", first: $first) { totalCount nodes {
  path serving state { status message } health { status } workload { replicas { desired ready } }
  effective { document value(key: "image.tag") { value origin { path } } }
  currentOperation { id status } } } }"""


@transactional
async def declare_many(nexus: Nexus, names: Sequence[str]) -> None:
    """As many applications as a large installation has, in one statement: a client would make one after the other."""
    number, now = await next_change(), clock.now()
    rows = [
        Level(
            id=uuid4(),
            path=f"{MODELS}/{name}",
            display_name=name,
            document={"image.tag": "1.0"},
            change=number,
            created_at=now,
            updated_at=now,
            kind="MODEL",
        )
        for name in names
    ]
    await Level.bulk_create(rows, batch_size=50)


async def operate_on_all(nexus: Nexus) -> None:
    """An unfinished operation for each application, which another replica is at."""
    catalogue = await nexus.rooms.hierarchy.current()
    until = clock.now().timestamp() + 86_400
    rows = [
        Operation(
            id=uuid4(),
            application_id=one.id,
            path=one.path,
            kind=OperationKind.DEPLOY,
            status=OperationStatus.APPLYING,
            number=1,
            requested_by="another",
            lease=uuid4(),
            lease_until=until,
            created_at=clock.now(),
        )
        for one in catalogue.applications(Path("or"))
    ]
    await Operation.bulk_create(rows, batch_size=50)


RUNNERS = ("julianday", '"lease" "lease"')
"""In what the runner asks every two seconds, and nobody else does."""


def asked(statements: list[str]) -> list[str]:
    """The statements of the request."""
    return [one for one in statements if not any(mark in one for mark in RUNNERS)]


async def ask(nexus: Nexus, counting: Counting, first: int) -> tuple[Any, list[str]]:
    await nexus.execute(LIST, {"first": first})  # what is computed once is not what is counted
    async with counting() as statements:
        started = time.perf_counter()
        found = (await nexus.execute(LIST, {"first": first}))["applications"]
        print(f"{first} applications: {(time.perf_counter() - started) * 1000:.0f} ms, {len(statements)} statements")
    return found, asked(list(statements))


@pytest.fixture
async def a_thousand(nexus: Nexus) -> None:
    await declare_all(nexus, MODELS)
    await join_dead_cluster(nexus)
    await configure(nexus, "or", {"image": {"repository": "or/model", "tag": "0.9"}})
    await declare_many(nexus, [f"a{number:04}" for number in range(1000)])
    await operate_on_all(nexus)


@pytest.mark.usefixtures("a_thousand")
async def test_a_thousand_applications_should_cost_as_many_statements_as_ten(nexus: Nexus, counting: Counting) -> None:
    ten, few = await ask(nexus, counting, 10)
    thousand, many = await ask(nexus, counting, 1000)
    assert (len(ten["nodes"]), len(thousand["nodes"]), thousand["totalCount"]) == (10, 1000, 1000)
    assert all(node["currentOperation"]["status"] == "APPLYING" for node in thousand["nodes"])
    assert thousand["nodes"][-1]["effective"]["value"] == {"value": "1.0", "origin": {"path": f"{MODELS}/a0999"}}
    assert 0 < len(many) == len(few) < 10, "\n".join(one[:200] for one in many)


DEPLOYED = """query ($first: Int) { applications(scope: "or", first: $first, filter: {outdated: true}) { totalCount nodes {
  path outdated endpoints { url scope } counterparts { path outdated } compare(with: "or/local/models/a0000") { empty } } } }"""


async def deploy_all(nexus: Nexus) -> None:
    """A revision of each application that is current, with settings that are not in force any more; and one before it."""
    catalogue = await nexus.rooms.hierarchy.current()
    rows = [
        Revision(
            id=uuid4(),
            application_id=one.id,
            number=number,
            operation_id=uuid4(),
            image="or/model:0.9",
            settings={
                "image.tag": {"value": "0.9", "origin": "or", "overrides": []},
                "ports.http": {"value": {"port": 8080}, "origin": None, "overrides": []},
            },
            manifests=[],
            deployed_by="another",
            deployed_at=clock.now(),
            outcome=OperationStatus.SUCCEEDED,
        )
        for one in catalogue.applications(Path("or"))
        for number in (1, 2)
    ]
    await Revision.bulk_create(rows, batch_size=50)
    await _record_revisions()


@transactional
async def _record_revisions() -> None:
    await Level.filter(kind__isnull=False).update(revision=2, deployed=True, change=await next_change())


@pytest.mark.usefixtures("a_thousand")
async def test_what_is_deployed_of_a_thousand_should_cost_as_many_statements_as_of_ten(
    nexus: Nexus, counting: Counting
) -> None:
    clone = 'mutation { cloneEnvironment(path: "or/local", name: "z") { environment { path } problems { code } } }'
    await nexus.mutate(clone)
    await deploy_all(nexus)
    statements = {}
    for first in (10, 1000):
        await nexus.execute(DEPLOYED, {"first": first})
        async with counting() as seen:
            found = (await nexus.execute(DEPLOYED, {"first": first}))["applications"]
        statements[first] = asked(list(seen))
        assert (len(found["nodes"]), found["totalCount"]) == (first, 2000)
        assert found["nodes"][first - 1] == {
            "path": f"{MODELS}/a{first - 1:04}",
            "outdated": True,
            "endpoints": [{"url": f"http://a{first - 1:04}.or-local-models.svc:8080", "scope": "CLUSTER"}],
            "counterparts": [{"path": f"or/z/models/a{first - 1:04}", "outdated": True}],
            "compare": {"empty": True},
        }
    assert len(statements[1000]) == len(statements[10]) < 10, "\n".join(one[:200] for one in statements[1000])


@pytest.mark.usefixtures("a_thousand")
async def test_health_of_levels_should_cost_no_statement_an_application(nexus: Nexus, counting: Counting) -> None:
    document = "{ projects { health { status } environments { health { missing suspended } namespaces { health { unknown } } } } }"
    await nexus.execute(document)
    async with counting() as statements:
        answer = await nexus.execute(document)
    assert answer["projects"]
    assert len(asked(list(statements))) <= 2


@pytest.mark.usefixtures("a_thousand")
async def test_a_snapshot_of_a_thousand_should_come_in_frames_of_one_position(nexus: Nexus) -> None:
    document = 'subscription { health(scope: "or") { kind position complete upserted { path } } }'
    async with nexus.subscribe(document) as frames:
        found: list[Any] = []
        while not found or not found[-1]["complete"]:
            frame = await frames.next()
            assert frame is not None
            found.append(frame["health"])
    assert max(len(one["upserted"]) for one in found) <= 200
    assert {one["kind"] for one in found} == {"SNAPSHOT"}
    assert len({one["position"] for one in found}) == 1
    assert [one["complete"] for one in found] == [False] * (len(found) - 1) + [True]
    assert len({each["path"] for one in found for each in one["upserted"]}) == 1000


GRAPH = """query ($first: Int) { applications(scope: "or", first: $first) { nodes { ready impairment blockedBy { label } } } }"""


@pytest.mark.usefixtures("a_thousand")
async def test_readiness_and_impairment_of_a_thousand_should_be_looked_up_and_not_computed(
    nexus: Nexus, counting: Counting
) -> None:
    await configure(nexus, f"{MODELS}/a0000", {"dependsOn": [{"ref": f"a{number:04}"} for number in range(1, 40)]})
    topology = nexus.rooms.topology
    assert await topology.settled()
    statements = {}
    for first in (10, 1000):
        await nexus.execute(GRAPH, {"first": first})
        # The graph is made into a picture once for each change of it, and what is derived of a picture once for each picture.
        picture, position = topology.picture, topology.feed.position
        derived = set(vars(picture))
        assert derived.isdisjoint({"needs", "needed_by"})
        async with counting() as seen:
            found = (await nexus.execute(GRAPH, {"first": first}))["applications"]["nodes"]
        statements[first] = asked(list(seen))
        assert (len(found), found[0]["impairment"], found[1]["impairment"]) == (first, "IMPAIRED", "NONE")
        assert (topology.picture is picture, set(vars(picture)), topology.feed.position) == (True, derived, position)
    assert len(statements[1000]) == len(statements[10]) < 5, "\n".join(one[:200] for one in statements[1000])
