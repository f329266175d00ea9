"""The feed of the hierarchy, as a subscriber sees it."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from nexus_gql import clock
from nexus_gql.database import next_change, transactional
from nexus_gql.hierarchy import Effective
from nexus_gql.hierarchy.models import Level
from nexus_gql.paths import Path

from .hierarchy import configure, declare, declare_all
from .people import person
from .server import Frames, Nexus

CHURN, FRAUD = "or/local/models/churn", "or/local/models/fraud"
FEED = """subscription ($scope: Path) { hierarchy(scope: $scope) { kind position complete
  upserted { id path displayName ... on Application { kind } } removed affected } }"""
DELETE = "mutation ($path: Path!) { deleteLevel(path: $path) { deleted problems { code } } }"
RENAME = """mutation ($path: Path!, $name: String!) { updateLevel(path: $path, input: {displayName: $name}) {
  level { path } problems { code } } }"""


async def frame(frames: Frames) -> Any:
    answer = await frames.next()
    assert answer is not None
    return answer["hierarchy"]


async def ids(nexus: Nexus, *paths: str) -> list[str]:
    found = [
        await nexus.execute("query ($path: Path!) { level(path: $path) { id } }", {"path": path}) for path in paths
    ]
    return [one["level"]["id"] for one in found]


def paths(update: Any) -> list[str]:
    return [level["path"] for level in update["upserted"]]


@pytest.fixture
async def declared(nexus: Nexus) -> Nexus:
    await declare_all(nexus, CHURN, FRAUD, "other/local/models/x")
    return nexus


async def test_a_snapshot_should_be_the_scope_with_those_above_first(declared: Nexus) -> None:
    async with declared.subscribe(FEED, {"scope": "or/local"}) as frames:
        found = await frame(frames)
    assert (found["kind"], found["complete"], found["removed"], found["affected"]) == ("SNAPSHOT", True, [], [])
    assert paths(found) == ["or/local", "or/local/models", CHURN, FRAUD]
    assert found["upserted"][2]["kind"] == "SERVICE"


async def test_without_a_scope_it_should_be_everything(declared: Nexus) -> None:
    async with declared.subscribe(FEED) as frames:
        assert len(paths(await frame(frames))) == 9
        await declare(declared, "third")
        assert paths(await frame(frames)) == ["third"]


async def test_a_setting_should_be_told_with_what_it_affects_in_the_scope(declared: Nexus) -> None:
    await configure(declared, CHURN, {"replicas": 3})
    async with (
        declared.subscribe(FEED, {"scope": "or"}) as all_of_it,
        declared.subscribe(FEED, {"scope": "or/local/models"}) as below,
    ):
        first = await frame(all_of_it)
        await frame(below)
        await configure(declared, "or", {"replicas": 2})
        seen, seen_below = await frame(all_of_it), await frame(below)
    assert (seen["kind"], seen["complete"], paths(seen)) == ("CHANGES", True, ["or"])
    assert seen["affected"] == await ids(declared, "or/local", "or/local/models", FRAUD)
    assert seen["position"] != first["position"]
    assert paths(seen_below) == []
    assert seen_below["affected"] == await ids(declared, "or/local/models", FRAUD)


async def test_a_change_elsewhere_should_make_no_frame(declared: Nexus) -> None:
    async with declared.subscribe(FEED, {"scope": CHURN}) as frames:
        await frame(frames)
        await configure(declared, FRAUD, {"replicas": 3})
        await configure(declared, "other", {"replicas": 3})
        await declared.mutate(RENAME, {"path": "or", "name": "Optimal Reality"})
        await declared.mutate(RENAME, {"path": CHURN, "name": "Churn"})
        (level,) = (await frame(frames))["upserted"]
    assert level["displayName"] == "Churn"


async def test_a_deleted_level_should_be_removed_with_all_below(declared: Nexus) -> None:
    gone = await ids(declared, "or/local/models", CHURN, FRAUD)
    async with declared.subscribe(FEED, {"scope": "or"}) as frames:
        await frame(frames)
        await declared.mutate(DELETE, {"path": "or/local/models"})
        found = await frame(frames)
    assert (found["removed"], found["upserted"], found["affected"]) == (gone, [], [])


async def test_a_deleted_scope_should_be_told_and_complete_the_feed(declared: Nexus) -> None:
    gone = await ids(declared, "or/local", "or/local/models", CHURN, FRAUD)
    async with declared.subscribe(FEED, {"scope": "or/local"}) as frames:
        await frame(frames)
        await declared.mutate(DELETE, {"path": "or"})
        assert (await frame(frames))["removed"] == gone
        assert await frames.next() is None


async def test_frames_applied_in_order_should_give_what_a_query_does(declared: Nexus) -> None:
    clone = (
        """mutation { cloneEnvironment(path: "or/local", name: "copy") { environment { path } problems { code } } }"""
    )
    known: dict[str, Any] = {}
    async with declared.subscribe(FEED, {"scope": "or"}) as frames:
        for change in (None, "clone", "rename", "delete", "declare"):
            if change == "clone":
                await declared.mutate(clone)
            elif change == "rename":
                await declared.mutate(RENAME, {"path": "or/copy/models", "name": "Models"})
            elif change == "delete":
                await declared.mutate(DELETE, {"path": FRAUD})
            elif change == "declare":
                await declare(declared, FRAUD)
            update = await frame(frames)
            for gone in update["removed"]:
                del known[gone]
            for level in update["upserted"]:
                assert level["path"] == "or" or level["path"].rpartition("/")[0] in {
                    one["path"] for one in known.values()
                }
                known[level["id"]] = level
    document = """{ project(path: "or") { id path displayName environments { id path displayName
      namespaces { id path displayName applications { nodes { id path displayName kind } } } } } }"""
    project = (await declared.execute(document))["project"]
    expected = []
    for environment in project.pop("environments"):
        for namespace in environment.pop("namespaces"):
            expected += [*namespace.pop("applications")["nodes"], namespace]
        expected.append(environment)
    expected.append(project)
    assert sorted(known.values(), key=lambda one: one["path"]) == sorted(expected, key=lambda one: one["path"])


async def test_each_should_be_told_only_of_what_is_open_to_them(guarded: Nexus) -> None:
    await declare_all(guarded, CHURN, FRAUD, "other/local/models/x")
    ann = await person(guarded, "ann", {CHURN: "VIEWER"})
    async with guarded.subscribe(FEED, token=ann) as frames:
        assert paths(await frame(frames)) == [CHURN]
        await configure(guarded, FRAUD, {"replicas": 2})
        await declare(guarded, "or/local/models/new")
        await configure(guarded, "or", {"env": [{"name": "A", "value": {"text": "a"}}]})
        found = await frame(frames)
    assert (paths(found), found["affected"]) == ([], await ids(guarded, CHURN))


# ── a large one ──


@transactional
async def _declare_many(namespace: str, count: int) -> None:
    number, now = await next_change(), clock.now()
    rows = [
        Level(
            id=uuid4(),
            path=f"{namespace}/a{one:04}",
            display_name=f"a{one:04}",
            change=number,
            created_at=now,
            updated_at=now,
            kind="MODEL",
        )
        for one in range(count)
    ]
    await Level.bulk_create(rows, batch_size=50)


def _below(folded: Mapping[Path, Effective]) -> dict[Path, Effective]:
    """What is folded below the project `or`; the graph folds what it reads, of every project."""
    return {path: one for path, one in folded.items() if path.startswith("or/")}


async def test_a_change_at_a_project_should_reach_a_thousand_applications_in_one_frame(declared: Nexus) -> None:
    await _declare_many("or/local/models", 1000)
    async with declared.subscribe(FEED, {"scope": "or"}) as frames:
        snapshot = [await frame(frames)]
        while not snapshot[-1]["complete"]:
            snapshot.append(await frame(frames))
        sizes = [len(one["upserted"]) for one in snapshot]
        assert (sum(sizes), max(sizes) <= 200) == (1005, True)
        assert len({one["position"] for one in snapshot}) == 1
        await configure(declared, "or", {"replicas": 2})
        found = await frame(frames)
        assert (paths(found), len(found["affected"])) == (["or"], 1004)
        # Each level below was folded once for it, and is kept as it was: the next change folds only what comes after it.
        before = declared.rooms.hierarchy.latest
        kept = _below(before._effective)
        assert len(kept) == 1004
        await configure(declared, "or", {"replicas": 3})
        assert len((await frame(frames))["affected"]) == 1004
    assert kept.keys() == _below(before._effective).keys()
    assert all(before._effective[path] is one for path, one in kept.items())
