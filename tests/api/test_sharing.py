"""Equal subscriptions to the product's own feeds share their executions, and whoever joins late has what a query gives."""

import random
from contextlib import AsyncExitStack
from typing import Any

from .hierarchy import configure, declare, declare_all
from .people import person
from .server import Closed, Frames, Nexus

HEALTH = """subscription ($scope: Path!) { health(scope: $scope) { kind position complete
  upserted { id path displayName state { status } serving } removed summary { missing } } }"""
APPLICATIONS = """query ($scope: Path!) { applications(scope: $scope, first: 500) {
  nodes { id path displayName state { status } serving } } }"""
SCOPE = {"scope": "or/local"}


class Screen:
    """One subscriber's applications by id."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self.applications: dict[str, Any] = {}
        self.position: str | None = None

    async def take(self) -> None:
        answer = await self.frames.next()
        assert answer is not None
        frame = answer["health"]
        if frame["kind"] == "SNAPSHOT" and frame["position"] != self.position:
            self.applications = {}
        self.position = frame["position"]
        self.applications |= {one["id"]: one for one in frame["upserted"]}
        for gone in frame["removed"]:
            self.applications.pop(gone, None)
        assert not frame["complete"] or frame["summary"]["missing"] == len(self.applications)

    async def equal(self, applications: dict[str, Any]) -> None:
        while self.applications != applications:
            await self.take()


async def queried(nexus: Nexus) -> dict[str, Any]:
    answer = await nexus.execute(APPLICATIONS, SCOPE)
    return {one["id"]: one for one in answer["applications"]["nodes"]}


async def executions(nexus: Nexus, kind: str) -> int:
    text = (await nexus.http.get(f"{nexus.url}/metrics")).text
    (line,) = [line for line in text.splitlines() if line.startswith(f'nexus_executions_total{{kind="{kind}"}}')]
    return int(float(line.split()[1]))


async def test_late_joiners_should_have_at_every_step_what_a_query_gives(nexus: Nexus) -> None:
    chance = random.Random(7)
    await declare_all(nexus, "or/local/models", "or/local/ddk")
    names: list[str] = []
    async with AsyncExitStack() as stack:
        screens: list[Screen] = []
        for step in range(20):
            if names and chance.random() < 0.3:
                path = names.pop(chance.randrange(len(names)))
                document = "mutation ($path: Path!) { deleteLevel(path: $path) { problems { code } } }"
                await nexus.mutate(document, {"path": path})
            else:
                names.append(f"or/local/{chance.choice(['models', 'ddk'])}/a{step}")
                await declare(nexus, names[-1])
            if step % 4 == 0:
                screens.append(Screen(await stack.enter_async_context(nexus.subscribe(HEALTH, SCOPE))))
            now = await queried(nexus)
            for screen in screens:
                await screen.equal(now)


async def test_executions_should_not_depend_on_how_many_subscribe(nexus: Nexus) -> None:
    await declare_all(nexus, "or/local/models/churn")
    made = {}
    for count in (1, 20):
        assert await nexus.rooms.topology.settled()  # the graph follows what is declared, and is told on the same feed
        async with AsyncExitStack() as stack:
            screens = [Screen(await stack.enter_async_context(nexus.subscribe(HEALTH, SCOPE))) for _ in range(count)]
            now = await queried(nexus)
            for screen in screens:
                await screen.equal(now)
            before = [await executions(nexus, kind) for kind in ("snapshot", "change")]
            await declare(nexus, f"or/local/models/new{count}")
            now = await queried(nexus)
            for screen in screens:
                await screen.equal(now)
            assert await nexus.rooms.topology.settled()
            after = [await executions(nexus, kind) for kind in ("snapshot", "change")]
            made[count] = [then - first for then, first in zip(after, before, strict=True)]
    # What is declared, and what the graph made of it: in one step, or in two where the graph was read just before.
    assert all(snapshots == 0 and 1 <= changes <= 2 for snapshots, changes in made.values()), made


async def test_people_who_see_the_same_should_share_and_those_who_see_less_not(guarded: Nexus) -> None:
    await declare_all(guarded, "or/local/models/churn", "or/local/ddk/features")
    tokens = [await person(guarded, name, {"or/local": "VIEWER"}) for name in ("ann", "bob")]
    narrow = await person(guarded, "eve", {"or/local/models": "VIEWER"})
    models = {"scope": "or/local/models"}
    assert await guarded.rooms.topology.settled()  # what comes between two of them would make another snapshot
    async with AsyncExitStack() as stack:
        before = await executions(guarded, "snapshot")
        for token in tokens:
            screen = Screen(await stack.enter_async_context(guarded.subscribe(HEALTH, models, token)))
            await screen.take()
        assert await executions(guarded, "snapshot") == before + 1
        screen = Screen(await stack.enter_async_context(guarded.subscribe(HEALTH, models, narrow)))
        await screen.take()
        assert await executions(guarded, "snapshot") == before + 2


async def test_a_document_that_asks_about_the_viewer_should_be_answered_for_each(guarded: Nexus) -> None:
    await declare_all(guarded, "or/local/models/churn")
    document = "subscription ($scope: Path!) { health(scope: $scope) { upserted { path viewerRole } } }"
    ann = await person(guarded, "ann", {"or/local": "VIEWER"})
    bob = await person(guarded, "bob", {"or/local": "DEPLOYER"})
    for token, role in ((ann, "VIEWER"), (bob, "DEPLOYER"), (None, "ADMIN")):
        async with guarded.subscribe(document, SCOPE, token) as frames:
            answer = await frames.next()
            assert answer is not None
            assert answer["health"]["upserted"] == [{"path": "or/local/models/churn", "viewerRole": role}]


async def test_a_grant_that_changes_should_end_the_subscriptions_of_that_person_alone(guarded: Nexus) -> None:
    await declare_all(guarded, "or/local/models/churn")
    ann = await person(guarded, "ann", {"or/local": "VIEWER"})
    bob = await person(guarded, "bob", {"or/local": "VIEWER"})
    async with guarded.subscribe(HEALTH, SCOPE, ann) as anns, guarded.subscribe(HEALTH, SCOPE, bob) as bobs:
        for frames in (anns, bobs):
            await frames.next()
        grant = 'mutation { grant(subject: "ann", role: DEPLOYER, path: "or/local") { problems { code } } }'
        await guarded.mutate(grant)
        await guarded.sessions.look()
        closed = await closing(anns)
        assert closed == 4403
        await configure(guarded, "or/local/models/churn", {"replicas": 2})
        await declare(guarded, "or/local/models/demand")
        answer = await bobs.next()
        assert answer is not None
        assert answer.errors == []


async def closing(frames: Frames) -> int:
    """The code with which the server closes."""
    try:
        while await frames.next() is not None:
            pass
    except Closed as closed:
        return closed.code
    raise AssertionError
