"""The feed of usage over time: its rounds are made here, since nobody waits 15 seconds for one."""

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from nexus_gql.clusters import Unreachable
from nexus_gql.live import Lapsed, Pod, UsagePoller, UsageSampled

from .hierarchy import declare
from .server import Frames, Nexus
from .test_usage import World, measuring, metrics, pod, world

__all__ = ["world"]

FIELDS = "kind complete at applications { path } pods { name usage { cpuCores } } sources { cluster }"


def feed(scope: str = "or/local", every: str = "15s") -> str:
    return f'subscription {{ usage(scope: "{scope}", every: "{every}") {{ {FIELDS} }} }}'


def poller_of(nexus: Nexus) -> UsagePoller:
    (row,) = nexus.rooms.fleet.rows()
    poller = nexus.rooms.live.usage.poller(str(row.id))
    assert poller is not None
    return poller


@dataclass
class Rounds:
    """Makes rounds of the poller at once."""

    world: World

    async def measure(self, second: int, *names: str) -> None:
        measuring(self.world.cluster, metrics(*names, at=f"2026-11-24T08:01:{second:02}Z"))
        poller = poller_of(self.world.nexus)
        await poller._ask(await poller.link.connected())

    async def miss(self) -> None:
        await poller_of(self.world.nexus)._failed(Unreachable("it is away"))


async def shown(frames: Frames) -> tuple[str, list[str]]:
    answer = await frames.next()
    assert answer is not None
    frame = answer["usage"]
    return frame["kind"], [item["name"] for item in frame["pods"]]


async def test_only_what_was_measured_again_should_be_sent(world: World) -> None:
    rounds = Rounds(world)
    async with world.nexus.subscribe(feed()) as frames:
        assert await shown(frames) == ("SNAPSHOT", ["one"])
        await rounds.measure(0, "one", "two")  # the sample of `one` is the one that was sent
        assert await shown(frames) == ("CHANGES", ["two"])
        await rounds.measure(15, "one", "two")
        assert await shown(frames) == ("CHANGES", ["one", "two"])


async def test_of_the_rounds_only_as_many_should_be_sent_as_were_asked_for(world: World) -> None:
    rounds = Rounds(world)
    async with world.nexus.subscribe(feed(every="60s")) as frames:
        assert await shown(frames) == ("SNAPSHOT", ["one"])
        await rounds.measure(10, "one", "two")
        await rounds.measure(20, "one")
        await rounds.measure(30, "one")  # the fourth: everything since the snapshot that is still measured
        assert await shown(frames) == ("CHANGES", ["one"])
        for second in (40, 41, 42):
            await rounds.measure(second, "one")
        await rounds.measure(43, "two")
        assert await shown(frames) == ("CHANGES", ["two"])


async def test_a_source_that_is_lost_should_be_told_once_and_its_return_at_once(world: World) -> None:
    rounds = Rounds(world)
    async with world.nexus.subscribe(feed(every="10m")) as frames:
        assert await shown(frames) == ("SNAPSHOT", ["one"])
        await rounds.miss()
        assert await shown(frames) == ("STALE", [])
        await rounds.miss()
        await rounds.miss()
        await rounds.measure(10, "one")
        assert await shown(frames) == ("CHANGES", ["one"])


async def test_applications_should_be_sent_with_their_pods(world: World) -> None:
    application = await declare(world.nexus, "or/local/models/churn")
    key = application.partition(":")[2]
    await world.ask('pods(scope: "or/local") { totalCount }')
    (view,) = world.nexus.rooms.live.views.values()
    labelled = pod("one", application=key)
    labelled["metadata"]["resourceVersion"] = "8"
    view._writers["Pod"].put(msgspec.convert(labelled, Pod))
    async with world.nexus.subscribe(feed("or/local/models/churn")) as frames:
        first = await frames.next()
        assert first is not None
        assert [item["name"] for item in first["usage"]["pods"]] == ["one"]
        assert [item["path"] for item in first["usage"]["applications"]] == ["or/local/models/churn"]
        await Rounds(world).measure(15, "one", "two")
        answer = await frames.next()
        assert answer is not None
        assert answer["usage"]["applications"] == [{"path": "or/local/models/churn"}]


async def test_the_history_of_an_application_should_be_its_samples_oldest_first(world: World) -> None:
    rooms = world.nexus.rooms
    await declare(world.nexus, "or/local/models/churn")
    answer = await world.ask(
        'application(path: "or/local/models/churn") { usage { cpuCores } usageHistory { cpuCores } }'
    )
    assert answer["application"] == {"usage": None, "usageHistory": None}  # it was never deployed
    changes: Any = rooms.live.usage_feed.since(0)
    assert not isinstance(changes, Lapsed)
    assert not [one for one in changes if isinstance(one, UsageSampled)]


@pytest.mark.parametrize("window", ["long", ""])
async def test_a_window_that_is_no_span_should_be_refused(world: World, window: str) -> None:
    await declare(world.nexus, "or/local/models/churn")
    document = 'query ($w: Duration) { application(path: "or/local/models/churn") { path usageHistory(window: $w) { cpuCores } } }'
    answer = await world.nexus.execute(document, {"w": window})
    assert answer.codes == ["BAD_REQUEST"]
    assert answer.data == {"application": {"path": "or/local/models/churn", "usageHistory": None}}


async def test_a_scope_that_is_deleted_should_end_its_feed(world: World) -> None:
    async with world.nexus.subscribe(feed("or/local/models")) as frames:
        assert (await shown(frames))[0] == "SNAPSHOT"
        await world.nexus.mutate('mutation { deleteLevel(path: "or/local/models") { problems { message } } }')
        assert await frames.next() is None
