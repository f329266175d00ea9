"""Logs of containers that do not run."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.sandbox.container import Past
from nexus_gql.sandbox.lines import Journal
from nexus_gql.sandbox.logs import Asked
from nexus_gql.sandbox.store import Object, Refusal
from tests.unit.sandbox.cluster import HOME, Cluster, container, running, workload

STAMPED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) ")


async def read(stream: AsyncIterator[bytes]) -> list[str]:
    return b"".join([chunk async for chunk in stream]).decode().splitlines()


async def with_a_pod(cluster: Cluster, image: str = "or/churn-model:1.0", **fields: object) -> None:
    cluster.make("Pod", "a", {"containers": [container(image, **fields)]})
    await cluster.clock.advance(60)


async def test_a_log_should_be_the_same_for_who_reads_it_twice() -> None:
    async with running() as cluster:
        await with_a_pod(cluster)
        first = await read(cluster.controllers.pod_log(HOME, "a", None, Asked()))
        assert first == await read(cluster.controllers.pod_log(HOME, "a", None, Asked()))
        assert first[0] == "INFO serving.main loading or/churn-model:1.0"
        assert len(first) > 8
        await cluster.clock.advance(60)
        assert (await read(cluster.controllers.pod_log(HOME, "a", None, Asked())))[: len(first)] == first


async def test_two_pods_should_write_different_lines() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", replicas=2))
        await cluster.clock.advance(60)
        one, two = [
            await read(cluster.controllers.pod_log(HOME, pod["metadata"]["name"], None, Asked()))
            for pod in cluster.pods()
        ]
        assert one[4:] != two[4:]


async def test_the_same_seed_should_write_the_same_log() -> None:
    logs = []
    for _ in range(2):
        async with running(seed=3) as cluster:
            await with_a_pod(cluster)
            logs.append(await read(cluster.controllers.pod_log(HOME, "a", None, Asked(timestamps=True))))
    assert logs[0] == logs[1]


async def test_a_tail_should_be_the_last_lines() -> None:
    async with running() as cluster:
        await with_a_pod(cluster)
        whole = await read(cluster.controllers.pod_log(HOME, "a", None, Asked()))
        assert await read(cluster.controllers.pod_log(HOME, "a", None, Asked(tail=3))) == whole[-3:]
        assert await read(cluster.controllers.pod_log(HOME, "a", None, Asked(tail=0))) == []
        assert await read(cluster.controllers.pod_log(HOME, "a", None, Asked(tail=10_000))) == whole


async def test_timestamps_should_have_nanoseconds_and_never_go_back() -> None:
    async with running() as cluster:
        await with_a_pod(cluster)
        lines = await read(cluster.controllers.pod_log(HOME, "a", None, Asked(timestamps=True)))
        stamps = [match[1] for line in lines if (match := STAMPED.match(line))]
        assert len(stamps) == len(lines)
        assert stamps == sorted(stamps)
        assert [line.split(" ", 1)[1] for line in lines] == await read(
            cluster.controllers.pod_log(HOME, "a", None, Asked())
        )


async def test_since_should_leave_out_what_was_before() -> None:
    async with running() as cluster:
        await with_a_pod(cluster)
        whole = await read(cluster.controllers.pod_log(HOME, "a", None, Asked(timestamps=True)))
        moment = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
        later = [line for line in whole if line >= "2026-01-01T00:00:30"]
        assert 0 < len(later) < len(whole)
        assert (
            await read(cluster.controllers.pod_log(HOME, "a", None, Asked(timestamps=True, since=moment.timestamp())))
            == later
        )


async def test_a_limit_should_cut_the_bytes() -> None:
    async with running() as cluster:
        await with_a_pod(cluster)
        chunks = [chunk async for chunk in cluster.controllers.pod_log(HOME, "a", None, Asked(limit_bytes=50))]
        assert len(b"".join(chunks)) == 50


async def test_a_follower_should_get_each_line_once_and_end_with_the_container() -> None:
    async with running() as cluster:
        await with_a_pod(cluster)
        before = await read(cluster.controllers.pod_log(HOME, "a", None, Asked()))
        task = asyncio.create_task(read(cluster.controllers.pod_log(HOME, "a", None, Asked(follow=True))))
        await cluster.clock.advance(60)
        assert not task.done()
        now = await read(cluster.controllers.pod_log(HOME, "a", None, Asked()))
        cluster.store.delete("Pod", HOME, "a")
        await cluster.clock.advance(5)
        followed = await task
        assert len(before) < len(now) <= len(followed)
        assert followed[: len(now)] == now


async def test_the_log_before_a_restart_should_end_with_the_last_words() -> None:
    async with running() as cluster:
        await with_a_pod(cluster, "or/churn-model:crash")
        lines = await read(cluster.controllers.pod_log(HOME, "a", None, Asked(previous=True)))
        assert lines[0].startswith("INFO serving.main loading")
        assert lines[-1] == "KeyError: 'DATABASE_URL'"
        assert (await read(cluster.controllers.pod_log(HOME, "a", None, Asked())))[0] == lines[0]


async def test_a_flood_should_be_rotated_away_after_ten_megabytes() -> None:
    async with running() as cluster:
        await with_a_pod(cluster, env=[{"name": "SANDBOX_LOG_RATE", "value": "5000"}])
        lines = await read(cluster.controllers.pod_log(HOME, "a", None, Asked()))
        assert len("\n".join(lines)) < 12 * 1024 * 1024
        assert not lines[0].startswith("INFO serving.main loading")
        (last,) = await read(cluster.controllers.pod_log(HOME, "a", None, Asked(tail=1)))
        assert last == lines[-1]


@pytest.mark.parametrize(
    ("image", "name", "previous", "message"),
    [
        (
            "or/m:missing",
            None,
            False,
            'container "main" in pod "a" is waiting to start: trying and failing to pull image',
        ),
        ("or/m:1", "bad", False, "container bad is not valid for pod a"),
        ("or/m:1", None, True, 'previous terminated container "main" in pod "a" not found'),
        ("or/m:missing", None, True, 'previous terminated container "main" in pod "a" not found'),
    ],
)
async def test_what_cannot_be_read_should_be_refused_in_the_real_words(
    image: str, name: str | None, previous: bool, message: str
) -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", {"containers": [container(image)]})
        await cluster.clock.advance(5)
        with pytest.raises(Refusal) as refusal:
            cluster.controllers.pod_log(HOME, "a", name, Asked(previous=previous))
        assert (refusal.value.code, refusal.value.message) == (400, message)


async def test_one_of_several_containers_should_be_named() -> None:
    async with running() as cluster:
        other = {**container(), "name": "two"}
        cluster.make("Pod", "a", {"containers": [container(), other]})
        await cluster.clock.advance(5)
        with pytest.raises(Refusal, match=r"a container name must be specified for pod a, choose one of: \[main two\]"):
            cluster.controllers.pod_log(HOME, "a", None, Asked())
        assert await read(cluster.controllers.pod_log(HOME, "a", "two", Asked()))


async def test_a_pod_that_is_not_there_should_be_not_found() -> None:
    async with running() as cluster:
        with pytest.raises(Refusal) as refusal:
            cluster.controllers.pod_log(HOME, "a", None, Asked())
        assert refusal.value.code == 404


async def test_a_pod_without_a_node_should_have_an_empty_log() -> None:
    async with running([]) as cluster:
        await with_a_pod(cluster)
        assert await read(cluster.controllers.pod_log(HOME, "a", None, Asked())) == []


# ── laws ──

SPEC: Object = container("or/churn-model:1.0")


@given(rate=st.floats(0.05, 200), ends=st.none() | st.floats(0, 500), now=st.floats(0, 600))
def test_lines_should_be_counted_as_they_come(rate: float, ends: float | None, now: float) -> None:
    spec = {**SPEC, "env": [{"name": "SANDBOX_LOG_RATE", "value": str(rate)}]}
    journal = Journal("uid", spec, Past(0, 1000.0, None if ends is None else 1000.0 + ends, 1, "Error"), 1)
    total = journal.count(1000.0 + now)
    instants = [journal.instant(number) for number in range(max(total - 40, 0), total + 3)]
    assert instants == sorted(instants)
    assert all(instant <= 1000.0 + now + 1e-6 for instant in instants[:-3])
    if ends is None or ends > now:
        assert journal.instant(total) > 1000.0 + now - 1e-6


@given(since=st.floats(0, 300))
def test_a_later_start_should_be_a_part_of_the_whole(since: float) -> None:
    journal = Journal("uid", SPEC, Past(0, 1000.0, None, 0, ""), 1)
    first = journal.first(1300.0, Asked(since=1000.0 + since))
    assert journal.instant(first) >= 1000.0 + since
    assert first == 0 or journal.instant(first - 1) < 1000.0 + since


async def test_a_flood_should_read_the_same_in_one_piece_and_line_by_line() -> None:
    async with running() as cluster:
        rate = [{"name": "SANDBOX_LOG_RATE", "value": "5000"}]
        cluster.make("Pod", "a", {"containers": [container("or/churn-model:1.0", env=rate)]})
        await cluster.clock.advance(5)
        read_whole = await read(cluster.controllers.pod_log(HOME, "a", None, Asked(timestamps=True)))
        assert len(read_whole) > 15_000
        assert len(set(read_whole)) == len(read_whole)
        stamps = [line.partition(" ")[0] for line in read_whole]
        assert stamps == sorted(stamps)
        assert (
            await read(cluster.controllers.pod_log(HOME, "a", None, Asked(timestamps=True, tail=700)))
            == read_whole[-700:]
        )
        numbers = [int(line.rpartition("=")[2]) for line in read_whole[3:]]
        assert numbers == list(range(3, len(read_whole)))
