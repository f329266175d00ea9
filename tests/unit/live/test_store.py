"""A store, its one writer, and its indexes."""

from collections.abc import Iterable, Mapping

from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.live import APPLICATION_LABEL, Pod, Store
from nexus_gql.live.objects import Meta, Owner
from nexus_gql.live.store import Changed, Writer

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


def test_a_store_should_be_synced_by_its_first_list_even_an_empty_one() -> None:
    store, writer, told = shelf()
    before = store.synced

    writer.replace([])

    assert (before, store.synced, told) == (False, True, [])


def test_a_list_should_tell_only_what_became_different() -> None:
    store, writer, told = shelf()
    writer.replace([pod("a"), pod("b"), pod("c")])
    told.clear()

    writer.replace([pod("a"), pod("b", 2), pod("d")])

    assert sorted(told, key=str) == sorted([("c-1", None), ("b-1", "b-2"), (None, "d-1")], key=str)
    assert {item.metadata.uid for item in store.all()} == {"a", "b", "d"}


def test_a_list_should_be_visible_as_a_whole_before_anything_of_it_is_told() -> None:
    store: Store[Pod] = Store()
    seen: list[set[str | None]] = []
    writer = Writer(store, "cluster", lambda change: seen.append({version(item) for item in store.all()}))
    writer.replace([pod("a"), pod("b")])
    seen.clear()

    writer.replace([pod("b", 2), pod("c")])

    assert seen == [{"b-2", "c-1"}] * 3


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
def test_a_store_should_equal_a_plain_dict_after_any_sequence(steps: list[Pod | str | list[Pod]]) -> None:
    store, writer, _ = shelf()
    plain: dict[str, Pod] = {}
    for step in steps:
        match step:
            case str():
                writer.remove(step)
                plain.pop(step, None)
            case list():
                writer.replace(step)
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
def test_what_was_told_should_lead_from_nothing_to_what_is_there(steps: list[Pod | str | list[Pod]]) -> None:
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
                writer.replace(step)
            case Pod():
                writer.put(step)

    assert follower == {item.metadata.uid: version(item) for item in store.all()}
