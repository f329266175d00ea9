"""Events: one object for each, whose count rises, forgotten after an hour."""

from nexus_gql.sandbox.events import AT_MOST, Recorder, Source
from tests.unit.sandbox.cluster import HOME, container, running

KUBELET = Source("kubelet", "node-1")


async def test_an_event_that_comes_again_should_raise_its_count() -> None:
    async with running() as cluster:
        about = cluster.make("ConfigMap", "c", data={})
        recorder = cluster.controllers.world.events
        for _ in range(3):
            recorder.warning(about, KUBELET, "BackOff", "again", part="spec.containers{main}")
            await cluster.clock.advance(10)
        (event,) = cluster.all("Event")
        assert (event["count"], event["type"], event["reason"], event["message"]) == (3, "Warning", "BackOff", "again")
        assert event["firstTimestamp"] == "2026-01-01T00:00:00Z"
        assert event["lastTimestamp"] == "2026-01-01T00:00:20Z"
        assert event["source"] == {"component": "kubelet", "host": "node-1"}
        assert event["involvedObject"]["fieldPath"] == "spec.containers{main}"
        assert event["metadata"]["name"].startswith("c.")


async def test_another_message_should_be_another_event() -> None:
    async with running() as cluster:
        about = cluster.make("ConfigMap", "c", data={})
        for message in ("one", "two"):
            cluster.controllers.world.events.normal(about, KUBELET, "Same", message)
        assert len(cluster.all("Event")) == 2


async def test_the_scheduler_should_count_in_a_series() -> None:
    async with running() as cluster:
        about = cluster.make("ConfigMap", "c", data={})
        for _ in range(2):
            cluster.controllers.world.events.scheduling(about, "Warning", "FailedScheduling", "no room")
            await cluster.clock.advance(5)
        (event,) = cluster.all("Event")
        assert event["series"]["count"] == 2
        assert "count" not in event


async def test_an_event_should_be_forgotten_an_hour_after_it_came_last() -> None:
    async with running() as cluster:
        about = cluster.make("ConfigMap", "c", data={})
        recorder = cluster.controllers.world.events
        recorder.normal(about, KUBELET, "Once", "once")
        recorder.normal(about, KUBELET, "Twice", "twice")
        await cluster.clock.advance(1800)
        recorder.normal(about, KUBELET, "Twice", "twice")
        await cluster.clock.advance(1900)
        assert cluster.reasons("c") == ["Twice"]
        await cluster.clock.advance(1800)
        assert cluster.all("Event") == []


async def test_an_event_that_was_deleted_should_begin_anew() -> None:
    async with running() as cluster:
        about = cluster.make("ConfigMap", "c", data={})
        recorder = cluster.controllers.world.events
        recorder.normal(about, KUBELET, "Same", "same")
        (event,) = cluster.all("Event")
        cluster.store.delete("Event", HOME, event["metadata"]["name"])
        recorder.normal(about, KUBELET, "Same", "same")
        assert cluster.all("Event")[0]["count"] == 1


async def test_the_oldest_should_go_when_there_are_too_many() -> None:
    async with running() as cluster:
        about = cluster.make("ConfigMap", "c", data={})
        recorder = Recorder(cluster.store, cluster.clock)
        for number in range(AT_MOST + 5):
            recorder.normal(about, KUBELET, "Many", str(number))
        cluster.store.follow(recorder.forget)
        recorder.expire()
        assert len(cluster.all("Event")) == AT_MOST


async def test_an_event_about_what_is_in_a_namespace_that_goes_should_be_dropped() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", {"containers": [container()]})
        await cluster.clock.advance(2)
        pod = cluster.get("Pod", "a")
        cluster.store.delete("Namespace", None, HOME)
        cluster.controllers.world.events.normal(pod, KUBELET, "Late", "late")
        assert "Late" not in cluster.reasons("a")
