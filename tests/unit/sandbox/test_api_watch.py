import asyncio
import json
from typing import Any

from starlette.datastructures import QueryParams

from nexus_gql.sandbox import requests
from nexus_gql.sandbox.clock import settle
from nexus_gql.sandbox.kinds import KINDS
from nexus_gql.sandbox.store import Object
from tests.unit.sandbox.server import Server, config_map


class Watching:
    """A watch that is read as far as it goes."""

    def __init__(self, server: Server, query: str, *, namespace: str | None = "x") -> None:
        asked = requests.listing(QueryParams(f"watch=1&{query}"))
        self.lines: list[bytes] = []
        self.task = asyncio.create_task(self._read(server.api.watches.watch(KINDS["ConfigMap"], namespace, asked)))

    async def _read(self, pieces: Any) -> None:
        async for piece in pieces:
            self.lines += piece.splitlines()

    async def seen(self) -> list[tuple[str, str]]:
        """Type and name of each event so far; a bookmark's version for its name."""
        await settle()
        events = [json.loads(line) for line in self.lines]
        return [(event["type"], _title(event["object"])) for event in events]

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def _title(obj: Object) -> str:
    if obj["kind"] == "Status":
        return str(obj["code"])
    return str(obj["metadata"].get("name") or obj["metadata"]["resourceVersion"])


async def test_a_watch_without_a_version_should_begin_with_what_is_there() -> None:
    server = Server()
    server.store.create("ConfigMap", "x", config_map("a"))
    watching = Watching(server, "")
    await settle()
    server.store.create("ConfigMap", "x", config_map("b"))
    server.store.delete("ConfigMap", "x", "a")

    assert await watching.seen() == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]
    await watching.stop()
    assert server.api.watches.count == 0


async def test_a_watch_from_a_version_should_miss_nothing_and_repeat_nothing() -> None:
    server = Server()
    server.store.create("ConfigMap", "x", config_map("a"))
    version = server.store.version
    server.store.create("ConfigMap", "x", config_map("b"))
    watching = Watching(server, f"resourceVersion={version}")
    await settle()
    server.store.create("ConfigMap", "x", config_map("c"))

    assert await watching.seen() == [("ADDED", "b"), ("ADDED", "c")]
    await watching.stop()


async def test_a_watch_from_before_what_is_kept_should_be_told_so_and_end() -> None:
    server = Server()
    version = server.store.version
    server.store.create("ConfigMap", "x", config_map("a"))
    server.store.compact()
    watching = Watching(server, f"resourceVersion={version}")

    assert await watching.seen() == [("ERROR", "410")]
    await watching.task


async def test_a_watch_should_see_its_own_namespace_and_kind_only() -> None:
    server = Server()
    server.store.create("Namespace", None, {"metadata": {"name": "y"}})
    watching, everywhere = Watching(server, ""), Watching(server, "", namespace=None)
    await settle()
    server.store.create("ConfigMap", "y", config_map("a"))
    server.store.create("Secret", "x", {"metadata": {"name": "s"}})

    assert await watching.seen() == []
    assert await everywhere.seen() == [("ADDED", "a")]
    await watching.stop()
    await everywhere.stop()


async def test_what_begins_to_be_selected_should_be_added_and_what_ceases_deleted() -> None:
    server = Server()
    made = server.store.create("ConfigMap", "x", config_map("a"))
    watching = Watching(server, "labelSelector=on")
    await settle()
    for labels in ({"on": "1"}, {"on": "2"}, {}, {"off": "1"}, {"on": "1"}):
        made = server.store.update("ConfigMap", {**made, "metadata": {**made["metadata"], "labels": labels}})
    server.store.delete("ConfigMap", "x", "a")

    types = [type_ for type_, _ in await watching.seen()]
    assert types == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
    await watching.stop()


async def test_a_watch_should_end_with_its_time_and_tell_before_where_it_stands() -> None:
    server = Server()
    watching = Watching(server, f"resourceVersion={server.store.version}&allowWatchBookmarks=true&timeoutSeconds=30")
    await settle()
    server.store.create("Secret", "x", {"metadata": {"name": "s"}})
    await server.clock.advance(27)
    assert await watching.seen() == []
    await server.clock.advance(1)
    assert await watching.seen() == [("BOOKMARK", str(server.store.version))]
    assert not watching.task.done()
    await server.clock.advance(2)
    await watching.task


async def test_a_long_watch_should_be_told_every_minute_where_it_stands_and_others_never() -> None:
    server = Server()
    told = Watching(server, f"resourceVersion={server.store.version}&allowWatchBookmarks=true")
    quiet = Watching(server, f"resourceVersion={server.store.version}")
    await settle()
    await server.clock.advance(150)

    assert [type_ for type_, _ in await told.seen()] == ["BOOKMARK", "BOOKMARK"]
    assert await quiet.seen() == []
    await told.stop()
    await quiet.stop()


async def test_a_streamed_list_should_end_with_a_mark() -> None:
    server = Server()
    server.store.create("ConfigMap", "x", config_map("a"))
    query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    watching = Watching(server, query)

    assert await watching.seen() == [("ADDED", "a"), ("BOOKMARK", str(server.store.version))]
    mark = json.loads(watching.lines[-1])["object"]["metadata"]
    assert mark["annotations"] == {"k8s.io/initial-events-end": "true"}
    await watching.stop()


async def test_a_change_should_be_written_out_once_for_all_who_watch() -> None:
    server = Server()
    watching = [Watching(server, "") for _ in range(3)]
    await settle()
    server.store.create("ConfigMap", "x", config_map("a"))
    await settle()

    assert {len(one.lines) for one in watching} == {1}
    row = server.store.row("ConfigMap", "x", "a")
    assert row is not None
    assert list(row.lines) == ["ADDED"]
    for one in watching:
        await one.stop()
