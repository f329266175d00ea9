"""Equal subscriptions over real sockets: what they share, what each of them gets, and who is left alone when one fails."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from nexus_gql.access import EVERYTHING, LOCAL_VIEWER, Role, Scope, Viewer
from nexus_gql.paths import Path

from .toy import Socket, World, post, serving, socket, until

THINGS = "subscription { things { kind position complete upserted { name value } removed } }"


class Screen:
    """What a client makes of the frames: the rules of the contract, and no more."""

    def __init__(self, client: Socket) -> None:
        self.client = client
        self.things: dict[str, int] = {}
        self.position = -1
        self.kinds: list[str] = []

    async def take(self) -> dict[str, Any]:
        message = await self.client.read()
        assert message["type"] == "next", message
        frame: dict[str, Any] = message["payload"]["data"]["things"]
        self.apply(frame)
        return frame

    def apply(self, frame: dict[str, Any]) -> None:
        if frame["kind"] == "SNAPSHOT" and frame["position"] != self.position:
            self.things = {}
        assert frame["kind"] == "SNAPSHOT" or frame["position"] > self.position
        self.position = frame["position"]
        self.kinds.append(frame["kind"])
        self.things |= {one["name"]: one["value"] for one in frame["upserted"]}
        for name in frame["removed"]:
            self.things.pop(name, None)

    async def reach(self, position: int) -> None:
        while self.position < position:
            await self.take()


async def executions(url: str) -> dict[str, float]:
    """How many snapshots and changes were executed, by /metrics."""
    async with httpx.AsyncClient(timeout=60) as client:
        text = (await client.get(f"{url}/metrics")).text
    found = (line.split() for line in text.splitlines() if line.startswith("nexus_executions_total{"))
    return {name.split('"')[1]: float(number) for name, number in found}


@asynccontextmanager
async def screens(url: str, count: int, query: str = THINGS) -> AsyncIterator[list[Screen]]:
    async with AsyncExitStack() as stack:
        opened = [Screen(await stack.enter_async_context(socket(url, init={}))) for _ in range(count)]
        for number, screen in enumerate(opened):
            await screen.client.subscribe(query, str(number))
        yield opened


@pytest.mark.parametrize("count", [1, 50])
async def test_executions_should_not_depend_on_the_number_of_subscribers(count: int) -> None:
    world = World()
    world.put("a", 1)
    async with serving(world) as url, screens(url, count) as opened:
        for screen in opened:
            await screen.take()
        for value in range(5):
            world.put("a", value)
            for screen in opened:
                await screen.reach(world.feed.position)
        assert await executions(url) == {"snapshot": 1, "change": 5, "arrival": 0}
        assert world.subscriptions.open == count
        assert all(screen.things == {"a": 4} for screen in opened)
    assert world.subscriptions.open == 0


async def test_changes_of_one_turn_should_be_one_execution() -> None:
    world = World()
    async with serving(world) as url, screens(url, 3) as opened:
        for screen in opened:
            await screen.take()
        for value in range(20):
            world.put("a", value)
        for screen in opened:
            assert (await screen.take())["upserted"] == [{"name": "a", "value": 19}]
        assert (await executions(url))["change"] == 1


EQUAL = [
    pytest.param(
        "subscription{things{kind}}", "subscription { # all\n things , { kind } }", {}, {}, True, id="spelling"
    ),
    pytest.param(
        "subscription ($p: String!) { things(prefix: $p) { kind } }",
        "subscription ($p: String!) { things(prefix: $p) { kind } } ",
        {"p": "a", "unused": 1},
        {"p": "a"},
        True,
        id="undeclared variables",
    ),
    pytest.param(
        'subscription ($p: String! = "a", $q: Boolean = true) { things(prefix: $p) { kind complete @include(if: $q) } }',
        'subscription ($p: String! = "a", $q: Boolean = true) { things(prefix: $p) { kind complete @include(if: $q) } }',
        {"q": True, "p": "a"},
        {},
        True,
        id="order and defaults of variables",
    ),
    pytest.param(
        "subscription ($p: String!) { things(prefix: $p) { kind } }",
        "subscription ($p: String!) { things(prefix: $p) { kind } }",
        {"p": "a"},
        {"p": "b"},
        False,
        id="other variables",
    ),
    pytest.param(
        "subscription { things { kind } }", "subscription { things { position } }", {}, {}, False, id="fields"
    ),
    pytest.param(
        "subscription { things { upserted { viewerName } } }",
        "subscription { things { upserted { viewerName } } }",
        {},
        {},
        False,
        id="the viewer",
    ),
    pytest.param(
        "subscription { ...f } fragment f on Subscription { things { kind } }",
        "subscription { ...f } fragment f on Subscription { things { kind } }",
        {},
        {},
        True,
        id="a fragment at the top",
    ),
]


@pytest.mark.parametrize(("one", "other", "ones", "others", "equal"), EQUAL)
async def test_equal_subscriptions_should_share(
    one: str, other: str, ones: dict[str, Any], others: dict[str, Any], equal: bool
) -> None:
    world = World()
    async with serving(world) as url, socket(url, init={}) as client:
        await client.subscribe(one, "1", variables=ones)
        assert (await client.read())["type"] == "next"
        await client.subscribe(other, "2", variables=others)
        assert (await client.read())["type"] == "next"
        assert await executions(url) == {"snapshot": 1 if equal else 2, "change": 0, "arrival": 0}


async def test_operations_of_one_document_should_be_told_apart_by_name() -> None:
    document = "subscription a { things { kind } } subscription b { things { position } }"
    async with serving(World()) as url, socket(url, init={}) as client:
        for name, expected in (("a", {"kind": "SNAPSHOT"}), ("b", {"position": 0})):
            await client.subscribe(document, name, operationName=name)
            assert (await client.read())["payload"]["data"]["things"] == expected


async def test_only_equal_scopes_should_share_and_what_is_shared_be_nobodys_own() -> None:
    narrow = Scope(((Path("or"), Role.VIEWER),))
    world = World(
        {
            "ann": Viewer("ann", "token", EVERYTHING),
            "bob": Viewer("bob", "token", EVERYTHING),
            "eve": Viewer("eve", "token", narrow),
        }
    )
    world.put("a", 1)
    async with serving(world) as url, AsyncExitStack() as stack:
        for name in ("ann", "bob", "eve"):
            client = await stack.enter_async_context(socket(url, init={"Authorization": name}))
            await client.subscribe("subscription { things { upserted { asker } } }")
            assert (await client.read())["payload"]["data"]["things"]["upserted"] == [{"asker": ""}]
            await client.subscribe("subscription { things { upserted { viewerName } } }", "2")
            assert (await client.read())["payload"]["data"]["things"]["upserted"] == [{"viewerName": name}]
        assert (await executions(url))["snapshot"] == 2 + 3
        assert {context.viewer.scope for context in world.contexts} == {EVERYTHING, narrow}


@pytest.mark.parametrize("seed", range(5))
async def test_whoever_joins_late_should_have_at_every_step_what_a_query_gives(seed: int) -> None:
    chance = random.Random(seed)
    world = World(size=3)
    async with serving(world) as url, AsyncExitStack() as stack:
        opened: list[Screen] = []
        for step in range(60):
            for _ in range(chance.choice([0, 1, 1, 5])):
                world.put(f"{chance.randrange(12)}", chance.choice([None, step]))
            if chance.random() < 0.1:
                world.put("again", None)
            if chance.random() < 0.3:
                screen = Screen(await stack.enter_async_context(socket(url, init={})))
                await screen.client.subscribe(THINGS)
                opened.append(screen)
                await screen.take()
            if chance.random() < 0.5:
                for screen in opened:
                    await screen.reach(world.feed.position)
                    while screen.things != world.things:  # the rest of a snapshot
                        assert (await screen.take())["kind"] == "SNAPSHOT"
        assert len(opened) > 5
        for screen in opened:
            await screen.reach(world.feed.position)
            while screen.things != world.things:
                assert (await screen.take())["kind"] == "SNAPSHOT"


async def test_those_who_come_together_should_share_a_snapshot_in_frames_of_a_bounded_size() -> None:
    world = World({None: LOCAL_VIEWER}, size=10)
    for number in range(95):
        world.things[f"{number:02}"] = number
    async with serving(world) as url, screens(url, 100) as opened:
        for screen in opened:
            frames = [await screen.take() for _ in range(10)]
            assert [len(frame["upserted"]) for frame in frames] == [10] * 9 + [5]
            assert [frame["complete"] for frame in frames] == [False] * 9 + [True]
            assert screen.things == world.things
        assert await executions(url) == {"snapshot": 1, "change": 0, "arrival": 0}


async def test_a_failure_should_end_the_members_of_its_cohort_with_it_and_no_one_else() -> None:
    world = World()
    query = "subscription { things { upserted { name doubtful } } }"
    async with serving(world) as url, screens(url, 3) as ended, screens(url, 2, query) as others:
        for screen in [*ended, *others]:
            await screen.client.read()
        world.put("a", -1)
        for screen in ended:
            told = await screen.client.read()
            assert told["payload"]["data"] is None
            assert told["payload"]["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
            assert (await screen.client.read())["type"] == "complete"
        for screen in others:
            told = (await screen.client.read())["payload"]
            assert told["data"]["things"]["upserted"] == [{"name": "a", "doubtful": None}]
        world.put("a", 1)
        for screen in others:
            told = (await screen.client.read())["payload"]
            assert told == {"data": {"things": {"upserted": [{"name": "a", "doubtful": 1}]}}}
        assert world.subscriptions.open == 2


@pytest.mark.parametrize("name", ["bad", "stop"])
async def test_a_feed_that_ends_or_fails_should_complete_its_subscriptions(name: str) -> None:
    world = World()
    async with serving(world) as url, screens(url, 3) as opened:
        for screen in opened:
            await screen.take()
        world.put(name, 1)
        for screen in opened:
            assert ("errors" in (await screen.client.read())["payload"]) is (name == "bad")
            assert (await screen.client.read())["type"] == "complete"
        assert world.subscriptions.open == 0
        world.put("x", 1)
        await opened[0].client.subscribe(THINGS, "again")
        assert (await opened[0].client.read())["type"] == "next"


async def test_a_snapshot_that_fails_should_be_told_to_those_who_wanted_it() -> None:
    world = World(things={"a": -1})
    async with serving(world) as url, screens(url, 2) as opened:
        for screen in opened:
            assert (await screen.client.read())["payload"]["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
            assert (await screen.client.read())["type"] == "complete"


async def test_variables_that_do_not_fit_should_reject_the_subscription() -> None:
    query = "subscription ($p: String!) { things(prefix: $p) { kind } }"
    async with serving(World()) as url, socket(url, init={}) as client:
        (refused,) = await client.results(query, variables={"p": 1})
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "BAD_REQUEST")
        stream = await post(url, query, headers={"accept": "text/event-stream"}, variables={"p": 1})
        assert '"BAD_REQUEST"' in stream.text


async def test_a_reader_that_was_lapped_should_get_a_new_snapshot() -> None:
    world = World()
    async with serving(world) as url, screens(url, 2) as opened:
        for screen in opened:
            await screen.take()
        for number in range(100):  # the ring holds 64
            world.put(f"{number}", number)
        for screen in opened:
            assert (await screen.take())["kind"] == "SNAPSHOT"
            assert screen.things == world.things


async def test_an_event_stream_should_get_the_same_frames_from_the_same_cohort() -> None:
    world = World()
    async with serving(world) as url, screens(url, 1) as (screen,), httpx.AsyncClient() as client:
        await screen.take()
        request = client.build_request(
            "POST", f"{url}/graphql", json={"query": THINGS}, headers={"accept": "text/event-stream"}
        )
        response = await client.send(request, stream=True)
        lines = response.aiter_lines()
        seen: list[dict[str, Any]] = []

        async def frame() -> dict[str, Any]:
            async for line in lines:
                if line.startswith("data: "):
                    got: dict[str, Any] = json.loads(line.removeprefix("data: "))["data"]["things"]
                    return got
            raise EOFError

        seen.append(await frame())
        for value in range(3):
            world.put("a", value)
            sent = await screen.take()
            assert await frame() == sent
        assert await executions(url) == {"snapshot": 1, "change": 3, "arrival": 0}
        await response.aclose()
        await until(lambda: world.subscriptions.open == 1)


async def test_a_cohort_should_leave_no_task_behind() -> None:
    world = World()
    async with serving(world) as url:
        async with screens(url, 5) as opened:
            for screen in opened:
                await screen.take()
        await until(lambda: world.subscriptions.open == 0)
        await until(lambda: not [task for task in asyncio.all_tasks() if "cohort" in task.get_name()])
