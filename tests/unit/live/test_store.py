"""A store, its one writer, and its indexes."""

import asyncio
from collections.abc import Iterable, Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.live import APPLICATION_LABEL, Pod, Store
from nexus_gql.live.objects import Meta, Owner
from nexus_gql.live.store import A_TURN, Changed, Writer

Told = list[tuple[str | None, str | None]]


def pod(
    uid: str, version: int = 1, *, namespace: str = "models", application: str | None = None, owner: str | None = None
) -> Pod:
    labels = {} if application is None else {APPLICATION_LABEL: application}
    owners = [] if owner is None else [Owner("ReplicaSet", owner, owner, controller=True), Owner("Other", "x", "x")]
    return Pod(Meta(uid, uid, namespace, resource_version=f"{uid}-{version}", labels=labels, owner_references=owners))


def shelf() -> tuple[Store[Pod], Writer[Pod], Told]:
    """A store, its writer, and the versions before and after of each change that was told."""
    told: Told = []

    def tell(change: Changed[Pod]) -> None:
        told.append((version(change.old), version(change.new)))

    store: Store[Pod] = Store()
    return store, Writer(store, "cluster", tell), told


def version(item: Pod | None) -> str | None:
    return None if item is None else item.metadata.resource_version


async def test_a_store_should_be_synced_by_its_first_list_even_an_empty_one() -> None:
    store, writer, told = shelf()
    before = store.synced

    await writer.replace([])

    assert (before, store.synced, told) == (False, True, [])


async def test_a_list_should_tell_only_what_became_different() -> None:
    store, writer, told = shelf()
    await writer.replace([pod("a"), pod("b"), pod("c")])
    told.clear()

    await writer.replace([pod("a"), pod("b", 2), pod("d")])

    assert sorted(told, key=str) == sorted([("c-1", None), ("b-1", "b-2"), (None, "d-1")], key=str)
    assert {item.metadata.uid for item in store.all()} == {"a", "b", "d"}


async def test_a_list_should_be_visible_as_a_whole_before_anything_of_it_is_told() -> None:
    store: Store[Pod] = Store()
    seen: list[set[str | None]] = []
    writer = Writer(store, "cluster", lambda change: seen.append({version(item) for item in store.all()}))
    await writer.replace([pod("a"), pod("b")])
    seen.clear()

    await writer.replace([pod("b", 2), pod("c")])

    assert seen == [{"b-2", "c-1"}] * 3


async def taken(writer: Writer[Pod], pods: list[Pod], told: Told, store: Store[Pod]) -> list[tuple[int, int, bool]]:
    """A list, and after each turn of the loop meanwhile: what was told, how many are to be seen, whether it is synced."""
    turns = []
    listing = asyncio.create_task(writer.replace(pods))
    while not listing.done():
        await asyncio.sleep(0)
        seen = {len(store), len(list(store.all())), len(list(store.in_namespace("models")))}
        assert len(seen) == 1
        turns.append((len(told), seen.pop(), store.synced))
    await listing
    return turns


async def test_thousands_should_be_told_some_in_each_turn_and_never_be_seen_by_halves() -> None:
    store, writer, told = shelf()
    count = 3 * A_TURN + 1

    turns = await taken(writer, [pod(str(number)) for number in range(count)], told, store)

    assert len(told) == count
    assert max(after[0] - before[0] for before, after in pairwise([(0, 0, False), *turns])) <= A_TURN
    assert {seen for _, seen, _ in turns} == {0, count}
    assert len(turns) >= 2 * 3
    assert {number == count for number, _, synced in turns if synced} == {True}
    assert store.synced


async def test_a_second_list_of_thousands_should_take_the_place_of_the_first_in_one_turn() -> None:
    store, writer, told = shelf()
    await writer.replace([pod(str(number)) for number in range(2 * A_TURN)])
    told.clear()

    turns = await taken(writer, [pod(str(number), 2) for number in range(A_TURN, 5 * A_TURN)], told, store)

    assert {seen for _, seen, _ in turns} == {2 * A_TURN, 4 * A_TURN}
    gone = [(f"{number}-1", None) for number in range(A_TURN)]
    changed = [(f"{number}-1", f"{number}-2") for number in range(A_TURN, 2 * A_TURN)]
    new = [(None, f"{number}-2") for number in range(2 * A_TURN, 5 * A_TURN)]
    assert told == [*gone, *changed, *new]


async def test_a_short_list_should_be_there_and_told_at_once() -> None:
    store, writer, told = shelf()
    listing = writer.replace([pod(str(number)) for number in range(A_TURN - 1)])

    with pytest.raises(StopIteration):
        listing.send(None)

    assert (store.synced, len(store), len(told)) == (True, A_TURN - 1, A_TURN - 1)


@pytest.mark.parametrize("namespace", [None, "models"])
async def test_what_became_visible_should_be_told_even_where_the_list_is_stopped(namespace: str | None) -> None:
    """Who lists again finds nothing different, so what was not told then would never be."""
    store, writer, told = shelf()
    pods = [pod(str(number)) for number in range(3 * A_TURN)]
    listing = asyncio.create_task(writer.replace(pods) if namespace is None else writer.replace_in(namespace, pods))
    while not told:  # noqa: ASYNC110  # it is the turns that count
        await asyncio.sleep(0)
    assert len(told) < len(pods) == len(store)

    listing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listing

    assert len(told) == len(pods)


async def test_a_list_that_is_stopped_before_it_is_seen_should_leave_all_as_it_was() -> None:
    store, writer, told = shelf()
    writer.put(pod("a"))
    listing = asyncio.create_task(writer.replace([pod(str(number)) for number in range(3 * A_TURN)]))
    await asyncio.sleep(0)

    listing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listing

    assert ([item.metadata.uid for item in store.all()], told, store.synced) == (["a"], [(None, "a-1")], False)


async def test_a_list_of_one_namespace_should_be_visible_as_a_whole_and_leave_the_others() -> None:
    store: Store[Pod] = Store()
    seen: list[set[str | None]] = []
    writer = Writer(store, "cluster", lambda change: seen.append({version(item) for item in store.all()}))
    for item in (pod("a"), pod("b"), pod("c"), pod("x", namespace="data")):
        writer.put(item)
    seen.clear()

    await writer.replace_in("models", [pod("b", 2), pod("c"), pod("d")])

    assert seen == [{"b-2", "c-1", "d-1", "x-1"}] * 3
    assert {item.metadata.uid for item in store.in_namespace("models")} == {"b", "c", "d"}


def test_what_a_resumed_watch_says_again_should_not_be_told() -> None:
    _, writer, told = shelf()
    writer.put(pod("a"))
    writer.put(pod("a"))

    assert told == [(None, "a-1")]


def test_the_end_of_what_is_not_there_should_not_be_told() -> None:
    _, writer, told = shelf()
    writer.remove("a")

    assert told == []


def test_an_object_should_be_found_by_its_controller_only() -> None:
    store, writer, _ = shelf()
    writer.put(pod("a", owner="set"))

    assert [item.metadata.uid for item in store.owned_by("set")] == ["a"]
    assert list(store.owned_by("x")) == []


PODS = st.builds(
    pod,
    st.sampled_from("abcd"),
    st.integers(1, 3),
    namespace=st.sampled_from(["models", "data"]),
    application=st.sampled_from([None, "churn", "features"]),
    owner=st.sampled_from([None, "set-1", "set-2"]),
)
STEPS = st.lists(st.one_of(PODS, st.sampled_from("abcd"), st.lists(PODS, unique_by=lambda item: item.metadata.uid)))


@given(STEPS)
async def test_a_store_should_equal_a_plain_dict_after_any_sequence(steps: list[Pod | str | list[Pod]]) -> None:
    store, writer, _ = shelf()
    plain: dict[str, Pod] = {}
    for step in steps:
        match step:
            case str():
                writer.remove(step)
                plain.pop(step, None)
            case list():
                await writer.replace(step)
                plain = {item.metadata.uid: item for item in step}
            case Pod():
                writer.put(step)
                # An equal version is the same object, whatever else a test may have put into it.
                if version(plain.get(step.metadata.uid)) != version(step):
                    plain[step.metadata.uid] = step

    assert {uid: item.metadata for uid, item in by_uid(store.all()).items()} == {
        uid: item.metadata for uid, item in plain.items()
    }
    assert len(store) == len(plain)
    expect_indexes(store, plain)


def by_uid(items: Iterable[Pod]) -> dict[str, Pod]:
    return {item.metadata.uid: item for item in items}


def expect_indexes(store: Store[Pod], plain: Mapping[str, Pod]) -> None:
    for uid in "abcd":
        assert store.get(uid) == plain.get(uid)
    for namespace in ("models", "data", "elsewhere"):
        expected = {uid for uid, item in plain.items() if item.metadata.namespace == namespace}
        assert set(by_uid(store.in_namespace(namespace))) == expected
    for application in ("churn", "features", "none"):
        expected = {uid for uid, item in plain.items() if item.metadata.labels.get(APPLICATION_LABEL) == application}
        assert set(by_uid(store.of_application(application))) == expected
    for owner in ("set-1", "set-2", "x"):
        expected = {
            uid
            for uid, item in plain.items()
            if any(o.controller and o.uid == owner for o in item.metadata.owner_references)
        }
        assert set(by_uid(store.owned_by(owner))) == expected


@given(STEPS)
async def test_what_was_told_should_lead_from_nothing_to_what_is_there(steps: list[Pod | str | list[Pod]]) -> None:
    follower: dict[str, str | None] = {}
    store: Store[Pod] = Store()

    def follow(change: Changed[Pod]) -> None:
        uid = change.either.metadata.uid
        assert follower.get(uid) == version(change.old)
        if change.new is None:
            del follower[uid]
        else:
            follower[uid] = version(change.new)

    writer = Writer(store, "cluster", follow)
    for step in steps:
        match step:
            case str():
                writer.remove(step)
            case list():
                await writer.replace(step)
            case Pod():
                writer.put(step)

    assert follower == {item.metadata.uid: version(item) for item in store.all()}
