"""A reflector against an apiserver that answers as written down. Real sockets, and a virtual clock."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from nexus_gql.clusters import ConnectionStatus, Link
from nexus_gql.live import Pod, Store
from nexus_gql.live.reflector import Reflector
from nexus_gql.live.resources import PODS
from nexus_gql.live.store import Changed, Writer
from nexus_gql.supervisor import Supervisor
from tests.unit.clusters.apiserver import (
    Answer,
    Apiserver,
    Asked,
    apiserver,
    body,
    event,
    linked,
    listed,
    refused,
    status,
    thing,
    watched,
)

pytestmark = pytest.mark.looptime

PATH = "/api/v1/pods"
FULL_PAGE = "500"
A1, A2, B2, C3 = thing("a", 101), thing("a", 102), thing("b", 102), thing("c", 103)
BOOKMARK = event("BOOKMARK", {"metadata": {"resourceVersion": "900"}})
EXPIRED = event("ERROR", refused(410, "Expired", "too old resource version: 100 (500)"))


@dataclass
class Seen:
    """What a reflector has made of a script."""

    server: Apiserver
    link: Link
    reflector: Reflector[Pod]
    store: Store[Pod]
    told: list[tuple[str | None, str | None]]
    openings: list[bool]

    @property
    def there(self) -> dict[str, str]:
        return {pod.metadata.name: pod.metadata.resource_version for pod in self.store.all()}

    @property
    def lists(self) -> list[Asked]:
        return [asked for asked in self.server.at(PATH) if "watch" not in asked.query]

    @property
    def watches(self) -> list[Asked]:
        return [asked for asked in self.server.at(PATH) if "watch" in asked.query]

    @property
    def versions(self) -> list[str]:
        return [asked.query["resourceVersion"] for asked in self.watches]


@asynccontextmanager
async def reflecting(*answers: Answer, seconds: float = 0.5) -> AsyncIterator[Seen]:
    """A reflector for pods that has had some seconds with a script."""
    async with apiserver() as server, linked(server) as kept, Supervisor() as supervisor:
        server.script(PATH, *answers)
        await kept.becomes(ConnectionStatus.CONNECTED)
        store: Store[Pod] = Store()
        told: list[tuple[str | None, str | None]] = []
        openings: list[bool] = []

        def tell(change: Changed[Pod]) -> None:
            told.append((version(change.old), version(change.new)))

        reflector = Reflector(kept.link, PODS, Writer(store, "c1", tell), lambda: openings.append(reflector.open))
        supervisor.start("reflector", reflector.run)
        await asyncio.sleep(seconds)
        yield Seen(server, kept.link, reflector, store, told, openings)


def version(pod: Pod | None) -> str | None:
    return None if pod is None else pod.metadata.resource_version


async def test_a_list_in_pages_should_become_visible_as_one_and_the_watch_go_on_from_it() -> None:
    pages = (listed(A1, token="t1"), listed(B2, token="t2"), listed(C3, version="110"))
    async with reflecting(*pages, watched()) as seen:
        assert [asked.query for asked in seen.lists] == [
            {"limit": FULL_PAGE},
            {"limit": FULL_PAGE, "continue": "t1"},
            {"limit": FULL_PAGE, "continue": "t2"},
        ]
        assert seen.there == {"a": "101", "b": "102", "c": "103"}
        assert seen.versions == ["110"]
        assert seen.watches[0].query["allowWatchBookmarks"] == "true"
        assert 300 <= int(seen.watches[0].query["timeoutSeconds"]) <= 600
        assert (seen.store.synced, seen.reflector.open, seen.openings) == (True, True, [True])


async def test_a_watch_should_bring_what_is_made_changed_and_deleted() -> None:
    lines = (event("ADDED", B2), event("MODIFIED", A2), event("DELETED", thing("b", 104)))
    async with reflecting(listed(A1), watched(*lines)) as seen:
        assert seen.there == {"a": "102"}
        assert seen.told == [(None, "101"), (None, "102"), ("101", "102"), ("102", None)]


async def test_a_list_whose_token_expires_halfway_should_begin_anew_and_show_nothing_meanwhile() -> None:
    pages = (listed(A1, token="t1"), status(410, "Expired"), listed(B2), watched())
    async with reflecting(*pages) as seen:
        assert (seen.store.synced, seen.there) == (False, {})
        await asyncio.sleep(3)
        assert seen.there == {"b": "102"}
        assert [asked.query.get("continue") for asked in seen.lists] == [None, "t1", None]


async def test_a_watch_should_go_on_from_the_last_bookmark() -> None:
    async with reflecting(listed(A1), watched(BOOKMARK, 2, then="end"), watched(), seconds=3) as seen:
        assert len(seen.lists) == 1
        assert seen.versions == ["100", "900"]
        assert seen.told == [(None, "101")]


async def test_a_watch_should_go_on_from_the_last_object() -> None:
    for line in (event("ADDED", B2), event("DELETED", thing("a", 102))):
        async with reflecting(listed(A1), watched(line, 2, then="end"), watched(), seconds=3) as seen:
            assert seen.versions == ["100", "102"]


async def test_a_bookmark_without_a_version_should_not_make_the_watch_begin_anywhere() -> None:
    """A watch from no version at all begins with everything that is there, and never tells what went meanwhile."""
    empty = event("BOOKMARK", {"metadata": {}})
    async with reflecting(listed(A1), watched(empty, 2, then="end"), watched(), seconds=3) as seen:
        assert seen.versions == ["100", "100"]


@pytest.mark.parametrize(
    "expired",
    [status(410, "Expired"), status(410, "Gone"), watched(EXPIRED), watched(event("ERROR", refused(500, "Expired")))],
    ids=["answer", "gone", "event", "by its reason"],
)
async def test_an_expired_version_should_mean_listing_again_and_tell_only_the_difference(expired: Answer) -> None:
    async with reflecting(listed(A1, B2), expired, listed(A1, C3, version="500"), watched(), seconds=3) as seen:
        assert seen.versions == ["100", "500"]
        assert seen.told == [(None, "101"), (None, "102"), ("102", None), (None, "103")]
        assert seen.openings[-1] is True


async def test_a_version_that_is_not_understood_should_mean_listing_again() -> None:
    """After an etcd was restored from a backup; asking with the same version for ever would never heal."""
    async with reflecting(
        listed(A1), status(400, "BadRequest"), listed(A1, version="50"), watched(), seconds=3
    ) as seen:
        assert seen.versions == ["100", "50"]


@pytest.mark.parametrize("code", [500, 503, 504])
async def test_a_server_in_trouble_should_be_asked_again_from_the_same_version(code: int) -> None:
    async with reflecting(listed(A1), status(code, "InternalError"), watched(), seconds=3) as seen:
        assert len(seen.lists) == 1
        assert seen.versions == ["100", "100"]
        assert seen.there == {"a": "101"}


async def test_a_server_that_stays_in_trouble_should_be_asked_less_and_less_often() -> None:
    async with reflecting(listed(A1), status(500, "InternalError", "etcd is gone"), seconds=600) as seen:
        waits = gaps(seen.watches)
        assert 0.8 <= waits[0] <= 1.7
        assert max(waits) <= 30.5
        assert 20 <= len(seen.watches) <= 35
        assert (seen.reflector.open, seen.reflector.trouble) == (False, "etcd is gone")


async def test_credentials_that_may_not_list_should_show_in_words_and_not_be_tried_in_a_loop() -> None:
    words = 'pods is forbidden: User "or" cannot list resource "pods"'
    async with reflecting(status(403, "Forbidden", words), seconds=300) as seen:
        assert seen.reflector.trouble == words
        assert not seen.store.synced
        assert len(seen.lists) <= 20


async def test_credentials_that_are_refused_should_make_the_link_look_at_itself() -> None:
    async with reflecting(listed(A1), watched(2, then="end"), status(401, "Unauthorized"), watched()) as seen:
        before = len(seen.server.at("/version"))
        await asyncio.sleep(4)
        assert len(seen.server.at("/version")) == before + 1
        assert seen.versions == ["100", "100", "100"]


async def test_an_apiserver_that_asks_for_a_pause_should_get_it() -> None:
    busy = status(429, "TooManyRequests", headers={"Retry-After": "20"})
    async with reflecting(listed(A1), busy, watched(), seconds=40) as seen:
        assert 20 <= gaps(seen.watches)[0] <= 21


async def test_a_watch_that_ends_at_once_should_not_be_asked_for_in_a_tight_loop() -> None:
    """The client library reconnected a thousand times a second here."""
    async with reflecting(listed(A1), watched(then="end"), seconds=60) as seen:
        assert 4 <= len(seen.watches) <= 9
        assert len(seen.lists) == 1


async def test_a_watch_that_ends_after_its_time_should_be_opened_again_at_once() -> None:
    async with reflecting(listed(A1), watched(60, then="end"), seconds=301) as seen:
        assert len(seen.watches) == 6
        assert gaps(seen.watches) == pytest.approx([60] * 5, abs=0.1)


async def test_a_reflector_should_say_that_nothing_is_open_while_it_waits() -> None:
    async with reflecting(listed(A1), watched(then="end"), watched(), seconds=0.5) as seen:
        assert seen.openings == [True, False]
        await asyncio.sleep(2)
        assert seen.openings == [True, False, True]


async def test_a_watch_that_breaks_should_go_on_from_where_it_was() -> None:
    torn = watched(event("ADDED", B2), 2, b'{"type": "MODIFIED", "obj', then="break")
    async with reflecting(listed(A1), torn, watched(), seconds=5) as seen:
        assert len(seen.lists) == 1
        assert seen.versions == ["100", "102"]
        assert seen.there == {"a": "101", "b": "102"}


async def test_a_watch_that_falls_silent_should_be_given_up_after_a_hundred_seconds() -> None:
    async with reflecting(listed(A1), watched(BOOKMARK), watched(), seconds=99) as seen:
        assert len(seen.watches) == 1
        await asyncio.sleep(5)
        assert seen.versions == ["100", "900"]


async def test_bookmarks_should_keep_a_quiet_watch_alive() -> None:
    quiet = watched(*[part for _ in range(4) for part in (60, BOOKMARK)])
    async with reflecting(listed(A1), quiet, seconds=300) as seen:
        assert len(seen.watches) == 1
        assert seen.reflector.open


async def test_an_object_of_megabytes_should_arrive_through_any_number_of_chunks() -> None:
    """aiohttp's own `readline` gives up beyond a few megabytes."""
    big = thing("big", 200, metadata={"labels": {"x": "y" * 5_000_000}})
    line = json.dumps(event("ADDED", big)).encode() + b"\n" + json.dumps(event("MODIFIED", A2)).encode() + b"\n"
    chunks = [line[start : start + 400_000] for start in range(0, len(line), 400_000)]
    async with reflecting(listed(A1), watched(*chunks), seconds=2) as seen:
        assert seen.there == {"a": "102", "big": "200"}


async def test_several_objects_in_one_chunk_should_all_be_taken() -> None:
    chunk = b"".join(json.dumps(event("ADDED", thing(f"p{number}", number))).encode() + b"\n" for number in range(50))
    async with reflecting(listed(), watched(chunk)) as seen:
        assert len(seen.store) == 50


@pytest.mark.parametrize(
    "garbage",
    [b"<html>\n", b"[]\n", b'{"type": "ADDED", "object": {"metadata": {}}}\n', b'{"type": "ERROR", "object": []}\n'],
)
async def test_a_watch_that_sends_garbage_should_be_begun_anew_with_a_list(garbage: bytes) -> None:
    async with reflecting(listed(A1), watched(garbage), listed(A2, version="200"), watched(), seconds=3) as seen:
        assert seen.versions == ["100", "200"]
        assert seen.there == {"a": "102"}


@pytest.mark.parametrize("garbage", [b"<html>", b"{}", b'{"items": [{"metadata": 7}]}'])
async def test_a_list_that_cannot_be_read_should_be_trouble_and_tried_again(garbage: bytes) -> None:
    """Symptom: the error left the task, and nobody could see why the cluster stayed empty."""
    async with reflecting(body(garbage), listed(A1), watched()) as seen:
        assert "cannot be read" in (seen.reflector.trouble or "")
        await asyncio.sleep(3)
        assert seen.there == {"a": "101"}
        assert (seen.reflector.open, seen.reflector.trouble) == (True, None)


async def test_a_kind_of_line_that_is_not_known_should_be_passed_over() -> None:
    async with reflecting(listed(A1), watched(event("FANCY", {}), event("MODIFIED", A2))) as seen:
        assert seen.there == {"a": "102"}


async def test_a_link_that_is_lost_should_end_the_watch_and_the_next_go_on_where_it_was() -> None:
    """Symptom: closing the client left the reader of an open watch waiting for ever, and the store as it was."""
    async with reflecting(listed(A1), watched(event("ADDED", B2))) as seen:
        good = seen.server.scripts["/version"]
        seen.server.scripts["/version"] = [status(500, "InternalError")]
        seen.link.doubt()
        await asyncio.sleep(5)
        assert not seen.reflector.open
        assert len(seen.watches) == 1

        seen.server.scripts["/version"] = good
        await asyncio.sleep(60)
        assert seen.versions == ["100", "102"]
        assert seen.reflector.open


async def test_there_should_never_be_two_requests_at_a_time() -> None:
    running = 0
    most = 0

    def counted(answer: Answer) -> Answer:
        async def give(request: Any) -> Any:
            nonlocal running, most
            running += 1
            await asyncio.sleep(0.01)  # the end of the request before may only now be noticed here
            most = max(most, running)
            try:
                return await answer(request)
            finally:
                running -= 1

        return give

    answers = (listed(A1), watched(EXPIRED), listed(A1), watched(2, then="break"), watched(1, then="end"))
    async with reflecting(*map(counted, answers), seconds=60):
        pass

    assert most == 1


def gaps(asked: list[Asked]) -> list[float]:
    return [later.at - earlier.at for earlier, later in pairwise(asked)]
