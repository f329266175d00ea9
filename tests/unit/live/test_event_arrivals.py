"""Events wait for a moment for the objects that they are about, and keep their order.

Symptom: whoever followed one application's events missed those that outran its pods, whose watch is another.
"""

import asyncio
import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from nexus_gql.live import Event, EventLog
from nexus_gql.live.events import PATIENCE, Arrivals
from nexus_gql.live.objects import Meta, ObjectReference
from nexus_gql.live.store import A_TURN

pytestmark = pytest.mark.looptime


class World:
    """A log before which events wait for pods; `seen` are those that are there."""

    def __init__(self, *seen: str) -> None:
        self.seen = set(seen)
        self.told = 0
        self.on_told: Callable[[], None] = lambda: None
        self.listed = False
        self.log = EventLog(lambda about: f"app of {about.uid}" if about.uid in self.seen else None, self._tell)
        self.arrivals = Arrivals(self.log, self._awaited)

    @property
    def events(self) -> list[tuple[int, str | None]]:
        return [(record.version, record.application_id) for record in self.log.after(0)]

    def see(self, uid: str) -> None:
        self.seen.add(uid)
        self.arrivals.look_again()

    def _tell(self) -> None:
        self.told += 1
        self.on_told()

    def _awaited(self, about: ObjectReference, listed: bool) -> bool:
        return about.kind == "Pod" and about.uid not in self.seen and not (listed and self.listed)


def event(version: int, about: str, kind: str = "Pod") -> Event:
    return Event(
        Meta(f"e{version}", f"e{version}", "models", str(version)), ObjectReference(kind, about, "models", about)
    )


async def test_an_event_that_outran_its_object_should_come_with_it() -> None:
    world = World()
    world.arrivals.put(event(5, "a"))
    assert (world.events, world.told) == ([], 0)

    world.see("a")

    assert (world.events, world.told) == ([(5, "app of a")], 1)


async def test_those_behind_should_keep_their_place() -> None:
    world = World("b")
    world.arrivals.put(event(5, "a"))
    world.arrivals.put(event(6, "b"))
    world.arrivals.put(event(7, "node", "Node"))
    assert world.events == []

    world.see("a")

    assert world.events == [(5, "app of a"), (6, "app of b"), (7, None)]


async def test_an_event_should_not_wait_for_what_does_not_come() -> None:
    world = World()
    world.arrivals.put(event(5, "gone"))
    await asyncio.sleep(PATIENCE / 2)
    world.arrivals.put(event(6, "gone"))

    await asyncio.sleep(PATIENCE / 2)
    assert world.events == [(5, None)]
    await asyncio.sleep(PATIENCE / 2)
    assert world.events == [(5, None), (6, None)]


async def test_listed_events_should_wait_until_their_kind_is_listed() -> None:
    world = World()
    await world.arrivals.replace([event(6, "gone"), event(5, "a")])
    assert not world.log.synced

    world.listed = True
    world.see("a")

    assert world.events == [(5, "app of a"), (6, None)]
    assert (world.log.synced, world.told) == (True, 1)


async def test_an_empty_list_should_be_told() -> None:
    world = World()

    await world.arrivals.replace([])

    assert (world.log.synced, world.told) == (True, 1)


async def test_others_should_get_their_turn_while_a_long_list_is_taken() -> None:
    world = World()
    world.listed = True
    portions: list[int] = []
    world.on_told = lambda: portions.append(len(world.events))
    order = random.Random(1).sample(range(1, 20 * A_TURN), 20 * A_TURN - 1)

    taking = asyncio.create_task(world.arrivals.replace([event(version, "gone") for version in order]))
    turns = 0
    while not taking.done():
        await asyncio.sleep(0)
        turns += 1

    assert turns >= 40  # to bring them into order, and to file them
    assert [after - before for before, after in pairwise([0, *portions])] == [*[A_TURN] * 19, A_TURN - 1, 0]
    assert [version for version, _ in world.events] == sorted(order)


async def test_a_list_should_count_as_seen_when_its_last_event_is_there() -> None:
    world = World()
    world.arrivals.put(event(1, "a"))
    await world.arrivals.replace([event(version, "b") for version in range(2, 3 * A_TURN)])
    world.listed = True
    world.see("a")
    assert (len(world.events), world.log.synced) == (A_TURN, False)

    await asyncio.sleep(0.01)

    assert (len(world.events), world.log.synced) == (3 * A_TURN - 1, True)


async def test_a_list_that_is_given_up_should_be_made_up_for_by_the_next() -> None:
    world = World()
    world.listed = True
    objects = [event(version, "b") for version in range(1, 3 * A_TURN)]
    taking = asyncio.create_task(world.arrivals.replace(objects))
    for _ in range(5):
        await asyncio.sleep(0)
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    assert 0 < len(world.events) < len(objects)
    assert not world.log.synced

    await world.arrivals.replace(objects)

    assert [version for version, _ in world.events] == [*range(1, 3 * A_TURN)]
    assert world.log.synced
