"""What a sandbox holds, and how it goes on from the file: a process that is killed never closes anything, so no test here does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from nexus_gql.sandbox.clock import Driven
from nexus_gql.sandbox.kinds import KINDS
from nexus_gql.sandbox.logs import Asked
from nexus_gql.sandbox.refusals import Object, Refusal
from nexus_gql.sandbox.sandbox import Sandbox

from .cluster import container, workload


@asynccontextmanager
async def living(file: Path, clock: Driven) -> AsyncIterator[Sandbox]:
    """A sandbox without its API; at the end it is dropped in the middle of whatever it does."""
    sandbox = Sandbox(clock=clock, seed=7, objects=file)
    task = asyncio.create_task(sandbox.controllers.run())
    await clock.advance(0.1)
    try:
        yield sandbox
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        closed(sandbox)


def again(file: Path, clock: Driven) -> Sandbox:
    """As it begins from a file, before anything moves."""
    return closed(Sandbox(clock=clock, seed=7, objects=file))


def closed(sandbox: Sandbox) -> Sandbox:
    """Its file closed, which writes nothing: each record was written whole when it came about."""
    if sandbox.journal is not None:
        sandbox.journal.close()
    return sandbox


def held(sandbox: Sandbox) -> list[Object]:
    """Everything in it, in order."""
    return [obj for kind in KINDS for obj in sandbox.store.all(kind)]


def deploy(sandbox: Sandbox, name: str, image: str = "or/model:1", replicas: int = 2) -> None:
    """A Deployment."""
    spec = workload(name, container(image), replicas=replicas)
    sandbox.store.create("Deployment", "default", {"metadata": {"name": name}, "spec": spec})


def pods(sandbox: Sandbox) -> list[Object]:
    """The pods."""
    return list(sandbox.store.all("Pod"))


async def log_of(sandbox: Sandbox, pod: str, *, previous: bool = False) -> bytes:
    """A container's log with its timestamps."""
    chunks = sandbox.controllers.pod_log("default", pod, None, Asked(timestamps=True, previous=previous))
    return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("moment", [0.0, 0.3, 0.9, 1.7, 60.0])
async def test_everything_should_be_as_it_was_whenever_it_was_killed(tmp_path: Path, moment: float) -> None:
    clock = Driven()
    async with living(tmp_path / "objects", clock) as before:
        deploy(before, "web")
        deploy(before, "gone")
        await clock.advance(moment)
        before.store.delete("Deployment", "default", "gone")
        expected, version = held(before), before.store.version
    after = again(tmp_path / "objects", clock)
    assert held(after) == expected
    assert after.store.version == version


@pytest.mark.parametrize("moment", [0.3, 0.9, 1.7, 60.0])
async def test_a_rollout_should_go_on_where_it_was(tmp_path: Path, moment: float) -> None:
    clock = Driven()
    async with living(tmp_path / "objects", clock) as before:
        deploy(before, "web")
        await clock.advance(moment)
    async with living(tmp_path / "objects", clock) as after:
        await clock.advance(60)
        found = after.store.get("Deployment", "default", "web")
        assert found is not None
        assert found["status"]["readyReplicas"] == 2
        assert {status["restartCount"] for pod in pods(after) for status in pod["status"]["containerStatuses"]} == {0}


async def test_a_cluster_at_rest_should_stay_at_rest(tmp_path: Path) -> None:
    clock = Driven()
    async with living(tmp_path / "objects", clock) as before:
        deploy(before, "web", replicas=5)
        await clock.advance(60)
        version = before.store.version
    await clock.advance(3000)  # while it does not run, its pods do
    async with living(tmp_path / "objects", clock) as after:
        await clock.advance(300)
        assert after.store.version == version


async def test_a_cluster_should_be_known_again_and_give_no_uid_twice(tmp_path: Path) -> None:
    clock, seen = Driven(), set[str]()
    for turn in range(3):
        async with living(tmp_path / "objects", clock) as sandbox:
            made = sandbox.store.create("ConfigMap", "default", {"metadata": {"name": f"c{turn}"}})
            assert made["metadata"]["uid"] not in seen
            seen |= {obj["metadata"]["uid"] for obj in held(sandbox)}
    fresh = Sandbox(clock=clock, seed=7).store.get("Namespace", None, "kube-system")
    assert fresh is not None
    assert again(tmp_path / "objects", clock).store.by_uid(fresh["metadata"]["uid"]) is not None


async def test_a_watch_from_the_last_version_should_go_on_and_an_older_one_be_told_to_list(tmp_path: Path) -> None:
    clock = Driven()
    async with living(tmp_path / "objects", clock) as before:
        version = before.store.version
    async with living(tmp_path / "objects", clock) as after:
        deploy(after, "web")
        assert [write.type for write in after.store.since("Deployment", version)] == ["ADDED"]
        with pytest.raises(Refusal) as refusal:
            after.store.since("Deployment", version - 1)
        assert refusal.value.code == 410


async def test_a_log_should_read_the_same(tmp_path: Path) -> None:
    clock = Driven()
    async with living(tmp_path / "objects", clock) as before:
        deploy(before, "web", replicas=1)
        await clock.advance(120.5)
        (name,) = (pod["metadata"]["name"] for pod in pods(before))
        expected = await log_of(before, name)
    async with living(tmp_path / "objects", clock) as after:
        assert expected
        assert (await log_of(after, name)).startswith(expected)


async def test_a_container_that_crashes_should_have_its_past_and_its_patience(tmp_path: Path) -> None:
    clock = Driven()
    async with living(tmp_path / "objects", clock) as before:
        deploy(before, "web", "or/model:crash", replicas=1)
        await clock.advance(100)
        (pod,) = pods(before)
        expected = await log_of(before, pod["metadata"]["name"], previous=True)
        restarts = pod["status"]["containerStatuses"][0]["restartCount"]
    async with living(tmp_path / "objects", clock) as after:
        assert await log_of(after, pod["metadata"]["name"], previous=True) == expected
        await clock.advance(90)
        (pod,) = pods(after)
        # The next waits are of 40 and 80 seconds; a kubelet that began anew would have started it four times.
        assert pod["status"]["containerStatuses"][0]["restartCount"] - restarts in {1, 2}


async def test_an_event_that_comes_again_should_rise_and_an_old_one_go(tmp_path: Path) -> None:
    clock = Driven()
    async with living(tmp_path / "objects", clock) as before:
        deploy(before, "web", "or/model:missing", replicas=1)
        await clock.advance(60)
        events = {event["metadata"]["name"]: event.get("count") for event in before.store.all("Event")}
    async with living(tmp_path / "objects", clock) as after:
        await clock.advance(60)
        now = {event["metadata"]["name"]: event.get("count") for event in after.store.all("Event")}
        assert now.keys() == events.keys()
        assert now != events
        after.store.delete("Deployment", "default", "web")
        await clock.advance(3700)
        assert not list(after.store.all("Event"))


async def test_addresses_should_stay_with_whom_they_were_given_to(tmp_path: Path) -> None:
    clock = Driven()
    spec = {"type": "NodePort", "ports": [{"port": 80}], "selector": {"app": "web"}}
    async with living(tmp_path / "objects", clock) as before:
        old = before.store.create("Service", "default", {"metadata": {"name": "old"}, "spec": spec})
        deploy(before, "web")
        await clock.advance(10)
        taken = {pod["status"]["podIP"] for pod in pods(before)}
    async with living(tmp_path / "objects", clock) as after:
        new = after.store.create("Service", "default", {"metadata": {"name": "new"}, "spec": {**spec}})
        assert new["spec"]["clusterIP"] != old["spec"]["clusterIP"]
        assert new["spec"]["ports"][0]["nodePort"] != old["spec"]["ports"][0]["nodePort"]
        deploy(after, "other")
        await clock.advance(10)
        assert len({pod["status"]["podIP"] for pod in pods(after)} | taken) == 4


@pytest.mark.parametrize("cut", [1, 3, 20])
async def test_what_was_begun_and_not_finished_should_be_left_out(tmp_path: Path, cut: int) -> None:
    clock, file = Driven(), tmp_path / "objects"
    async with living(file, clock) as before:
        expected = held(before)
        before.store.create("ConfigMap", "default", {"metadata": {"name": "last"}})
    file.write_bytes(file.read_bytes()[:-cut])
    async with living(file, clock) as after:
        assert held(after) == expected
        after.store.create("ConfigMap", "default", {"metadata": {"name": "next"}})
    assert again(file, clock).store.get("ConfigMap", "default", "next") is not None


async def test_what_happens_while_the_file_is_written_anew_should_be_in_it(tmp_path: Path) -> None:
    clock, file = Driven(), tmp_path / "objects"
    async with living(file, clock) as before:
        assert before.journal is not None
        deploy(before, "web", replicas=3)
        deploy(before, "gone")
        await clock.advance(0.9)
        writing = asyncio.create_task(before.journal.compact())
        await asyncio.sleep(0)  # it has taken what there is, and writes that in its thread
        before.store.create("ConfigMap", "default", {"metadata": {"name": "new"}})
        before.store.delete("Deployment", "default", "gone")
        await clock.advance(0.5)
        await writing
        before.store.create("ConfigMap", "default", {"metadata": {"name": "last"}})
        expected, lives = held(before), dict(before.controllers.kubelet.lives)
    after = again(file, clock)
    assert held(after) == expected
    assert after.controllers.kubelet.lives == lives


async def test_the_file_should_not_grow_with_what_is_written_over(tmp_path: Path) -> None:
    clock, file = Driven(), tmp_path / "objects"
    async with living(file, clock) as sandbox:
        assert sandbox.journal is not None
        for number in range(50):
            made = {"metadata": {"name": "c"}, "data": {"text": str(number) * 10_000}}
            sandbox.store.create("ConfigMap", "default", made)
            sandbox.store.remove("ConfigMap", "default", "c")
        grown = file.stat().st_size
        await sandbox.journal.compact()
        assert file.stat().st_size < grown / 10
