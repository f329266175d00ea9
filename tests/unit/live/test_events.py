"""The newest events of a cluster, as they came or rose again."""

from collections.abc import Iterable

from nexus_gql.live import Event, EventLog
from nexus_gql.live.events import CAPACITY
from nexus_gql.live.objects import Meta, ObjectReference


def event(uid: str, version: int, *, about: str = "pod-1", count: int = 1) -> Event:
    return Event(Meta(uid, uid, "models", str(version)), ObjectReference("Pod", about, "models", about), count=count)


def log(applications: dict[str, str] | None = None) -> tuple[EventLog, list[None]]:
    told: list[None] = []
    known = applications or {}
    return EventLog(lambda reference: known.get(reference.uid), lambda: told.append(None)), told


def versions(events: EventLog, after: int = 0) -> list[int]:
    return [record.version for record in events.after(after)]


def test_events_should_come_in_the_order_of_their_versions() -> None:
    events, _ = log()
    events.replace([event("b", 7), event("a", 5)])
    events.put(event("c", 9))

    assert versions(events) == [5, 7, 9]
    assert versions(events, 5) == [7, 9]
    assert events.newest == 9


def test_an_event_whose_count_rises_should_come_again_under_its_id() -> None:
    events, _ = log()
    events.replace([event("a", 5), event("b", 7)])
    events.put(event("a", 9, count=2))

    assert [(record.event.metadata.uid, record.version, record.event.count) for record in events.after(0)] == [
        ("b", 7, 1),
        ("a", 9, 2),
    ]


def test_an_event_that_comes_late_should_be_told_after_what_came_before_it() -> None:
    """Namespaces that are watched one by one come in any order."""
    events, _ = log()
    events.put(event("a", 20))
    events.put(event("b", 19))
    assert [record.event.metadata.uid for record in events.after(20)] == ["b"]
    events.put(event("b", 19))
    events.put(event("a", 20))
    assert len(events.after(0)) == 2
    events.put(event("b", 20, count=2))
    events.put(event("c", 40))
    assert [(record.event.metadata.uid, record.event.count) for record in events.after(20)] == [("b", 2), ("c", 1)]
    assert events.newest == 40


def test_a_list_should_repeat_nothing_and_forget_nothing() -> None:
    events, _ = log()
    events.replace([event("a", 5), event("b", 7)])
    events.replace([event("b", 7), event("c", 8)])
    events.remove("b")

    assert versions(events) == [5, 7, 8]


def test_the_application_should_be_remembered_after_its_object_is_gone() -> None:
    applications = {"pod-1": "churn"}
    events, _ = log(applications)
    events.put(event("a", 5))
    applications.clear()
    events.put(event("a", 6, count=2))

    assert [record.application_id for record in events.after(0)] == ["churn"]


def test_what_has_to_make_room_should_be_the_oldest_and_be_told() -> None:
    events, _ = log()
    events.replace(many(range(1, CAPACITY + 3)))

    assert events.forgotten == 2
    assert versions(events)[0] == 3
    assert len(versions(events)) == CAPACITY


def test_a_list_that_still_holds_what_made_room_should_not_bring_it_back() -> None:
    """Symptom: after a relist of a busy cluster, hour-old events came as new and pushed out newer ones."""
    events, _ = log()
    objects = list(many(range(1, CAPACITY + 3)))
    events.replace(objects)
    before = versions(events)

    events.replace(objects)

    assert versions(events) == before


def test_each_event_and_each_list_should_be_told() -> None:
    events, told = log()
    events.replace([])
    events.put(event("a", 5))

    assert len(told) == 2
    assert events.synced
    assert events.newest == 5


def many(numbers: Iterable[int]) -> Iterable[Event]:
    return (event(f"event-{number}", number) for number in numbers)
