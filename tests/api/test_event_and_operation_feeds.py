"""The feeds of Kubernetes' events and of one operation over real sockets, of a sandbox: in order, shared, resumed and ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from . import sandboxed
from .deploying import let_go
from .hierarchy import declare, hold
from .sandboxed import Sandbox
from .server import Frames, Nexus
from .test_logs import connected
from .test_sharing import executions

EVENTS = """subscription ($scope: Path!, $types: [EventType!], $after: String) {
  events(scope: $scope, types: $types, after: $after) {
    events { id type reason message count object { kind name } } cursor gap { reason message lines } } }"""
NAMESPACE = "/api/v1/namespaces/or-local-models"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with sandboxed.running(tmp_path, seed=12) as one:
        yield one


class Follower:
    """A subscription to events, and what it has told."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self.messages: list[str] = []
        self.gaps: list[dict[str, Any]] = []
        self.cursor = ""

    async def take(self) -> None:
        answer = await self._frames.next()
        assert answer is not None
        frame = answer["events"]
        self.messages += [event["message"] for event in frame["events"]]
        self.gaps += [frame["gap"]] if frame["gap"] else []
        self.cursor = frame["cursor"]

    async def reach(self, message: str) -> "Follower":
        async with asyncio.timeout(30):
            while message not in self.messages:
                await self.take()
        return self


@asynccontextmanager
async def following(nexus: Nexus, **variables: Any) -> AsyncIterator[Follower]:
    async with nexus.subscribe(EVENTS, {"scope": "or/local"} | variables) as frames:
        follower = Follower(frames)
        await follower.take()
        yield follower


async def report(sandbox: Sandbox, *numbers: int, type_: str = "Normal", at: str = "2026-11-24T08:00:00Z") -> None:
    """Events of a pod that nobody has seen."""
    for number in numbers:
        event = {
            "metadata": {"name": f"told-{number}"},
            "involvedObject": {"kind": "ConfigMap", "name": "seen", "namespace": "or-local-models"},
            "type": type_,
            "reason": "Told",
            "message": f"event {number}",
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }
        await sandbox.make(f"{NAMESPACE}/events", event)


async def prepared(nexus: Nexus, sandbox: Sandbox) -> None:
    await connected(nexus, sandbox.kubeconfig)
    settings = {"image": {"repository": "or/churn-model", "tag": "1"}}
    await declare(nexus, "or/local/models/churn", settings=settings)
    await sandbox.make_namespace("or-local-models")


def told(*numbers: int) -> list[str]:
    return [f"event {number}" for number in numbers]


async def test_events_should_come_in_order_and_be_executed_once_for_all(nexus: Nexus, sandbox: Sandbox) -> None:
    await prepared(nexus, sandbox)
    await report(sandbox, 0)
    async with AsyncExitStack() as stack:
        followers = [await stack.enter_async_context(following(nexus)) for _ in range(10)]
        for follower in followers:
            await follower.reach("event 0")
        before = await executions(nexus, "change")
        await report(sandbox, 1, 2, 3)
        for follower in followers:
            assert (await follower.reach("event 3")).messages == told(0, 1, 2, 3)
        assert await executions(nexus, "change") - before <= 3


async def test_whoever_comes_whenever_should_get_each_event_once(nexus: Nexus, sandbox: Sandbox) -> None:
    await prepared(nexus, sandbox)
    async with AsyncExitStack() as stack:
        followers = [await stack.enter_async_context(following(nexus))]
        for number in range(20):
            await report(sandbox, number)
            if number % 3 == 0:
                followers.append(await stack.enter_async_context(following(nexus)))
            if number % 5 == 0:
                cursor, messages = followers[-1].cursor, [*followers[-1].messages]
                back = await stack.enter_async_context(following(nexus, after=cursor))
                back.messages = [*messages, *back.messages]
                followers.append(back)
        for follower in followers:
            assert (await follower.reach("event 19")).messages == told(*range(20))
            assert follower.gaps == []


async def test_only_some_types_should_come_to_those_who_want_only_them(nexus: Nexus, sandbox: Sandbox) -> None:
    await prepared(nexus, sandbox)
    await report(sandbox, 0)
    async with following(nexus, types=["WARNING"]) as follower, following(nexus) as other:
        await report(sandbox, 1)
        await report(sandbox, 2, type_="Warning")
        assert (await follower.reach("event 2")).messages == told(2)
        assert (await other.reach("event 2")).messages == told(0, 1, 2)


async def test_the_newest_hundred_should_come_first_and_all_after_a_cursor(nexus: Nexus, sandbox: Sandbox) -> None:
    await prepared(nexus, sandbox)
    async with following(nexus) as follower:
        await report(sandbox, 0)
        await follower.reach("event 0")
        await report(sandbox, *range(1, 121))
        await follower.reach("event 120")
        async with following(nexus) as late:
            assert late.messages == told(*range(21, 121))
        async with following(nexus, after=follower.cursor) as back:
            assert back.messages == []


async def test_an_event_that_happens_again_should_come_again_with_its_count(nexus: Nexus, sandbox: Sandbox) -> None:
    await prepared(nexus, sandbox)
    await report(sandbox, 0)
    async with following(nexus) as follower:
        await follower.reach("event 0")
        patch = {"count": 2, "message": "event 0 again", "lastTimestamp": "2026-11-24T08:01:00Z"}
        await sandbox.change(f"{NAMESPACE}/events/told-0", patch)
        await follower.reach("event 0 again")


EVENT_PAGE = """query ($first: Int, $after: String) { level(path: "or") { events(first: $first, after: $after) {
    nodes { message } pageInfo { hasNextPage endCursor } } } }"""


async def page_of_events(nexus: Nexus, first: int, after: str | None = None) -> Any:
    answer = await nexus.execute(EVENT_PAGE, {"first": first, "after": after})
    return answer["level"]["events"]


async def test_pages_should_hold_each_event_once_newest_first(nexus: Nexus, sandbox: Sandbox) -> None:
    """Some components tell the time in whole seconds, some in millionths, and the order of both is not that in which they come."""
    await prepared(nexus, sandbox)
    times = [
        "08:00:02Z",
        "08:00:02.5Z",
        "08:00:01Z",
        "08:00:02.25Z",
        "08:00:03Z",
        "08:00:01.75Z",
        "08:00:02Z",
        "08:00:00Z",
    ]
    async with following(nexus) as follower:
        for number, time in enumerate(times):
            await report(sandbox, number, at=f"2026-11-24T{time}")
        await follower.reach("event 7")
    told_of = ["event 4", "event 1", "event 3", "event 6", "event 0", "event 5", "event 2", "event 7"]
    assert [one["message"] for one in (await page_of_events(nexus, 100))["nodes"]] == told_of
    pages = [await page_of_events(nexus, 1)]
    while pages[-1]["pageInfo"]["hasNextPage"] and len(pages) < 100:
        pages.append(await page_of_events(nexus, 1, pages[-1]["pageInfo"]["endCursor"]))
    assert [one["message"] for page in pages for one in page["nodes"]] == told_of


async def test_a_cluster_that_was_made_anew_should_be_followed_on_and_the_break_told(
    nexus: Nexus, sandbox: Sandbox, tmp_path: Path
) -> None:
    await prepared(nexus, sandbox)
    async with following(nexus) as follower:
        await report(sandbox, *range(50))
        await follower.reach("event 49")
        (again := tmp_path / "again").mkdir()
        async with sandboxed.running(again, seed=12) as anew:  # of the same seed: the same cluster, and nothing in it
            await anew.make_namespace("or-local-models")
            update = """mutation ($content: String!) { updateCluster(name: "local", input: {kubeconfig: {content: $content}})
                { problems { message } } }"""
            await nexus.mutate(update, {"content": anew.kubeconfig})
            await report(anew, 100)
            await follower.reach("event 100")
            assert follower.messages == told(*range(50), 100)
            assert [gap["reason"] for gap in follower.gaps] == ["SLOW_READER"]


async def test_a_scope_that_is_not_there_should_end_it_with_an_error(nexus: Nexus, sandbox: Sandbox) -> None:
    await prepared(nexus, sandbox)
    async with nexus.subscribe(EVENTS, {"scope": "or/no"}) as frames:
        answer = await frames.next()
        assert answer is not None
        assert answer.codes == ["NOT_FOUND"]
        assert await frames.next() is None


OPERATION = "subscription ($id: ID!) { operation(id: $id) { id status } }"


async def test_an_operation_should_be_followed_by_many_in_one_execution_and_complete_with_it(
    nexus: Nexus, sandbox: Sandbox
) -> None:
    await prepared(nexus, sandbox)
    await hold(nexus, "or/local/models/churn")  # else it moves on while they come, and each finds it elsewhere
    deploy = 'mutation { deploy(path: "or/local/models/churn") { operation { id } problems { message } } }'
    operation = (await nexus.mutate(deploy))["operation"]["id"]
    before = await executions(nexus, "snapshot")
    async with AsyncExitStack() as stack:
        followers = [await stack.enter_async_context(nexus.subscribe(OPERATION, {"id": operation})) for _ in range(10)]
        ends = set()
        for frames in followers:
            assert await frames.next() is not None
        assert await executions(nexus, "snapshot") - before <= 3
        await let_go(nexus, "or/local/models/churn")
        for frames in followers:
            last = None
            while (answer := await frames.next()) is not None:
                last = answer["operation"]["status"]
            ends.add(last)
        assert len(ends) == 1
        assert ends < {"SUCCEEDED", "FAILED"}
    assert await executions(nexus, "snapshot") - before <= 3
    async with nexus.subscribe(OPERATION, {"id": operation}) as frames:
        answer = await frames.next()
        assert answer is not None
        assert {answer["operation"]["status"]} == ends
        assert await frames.next() is None
