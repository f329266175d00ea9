import pytest

from nexus_gql.sandbox.store import Refusal, Store
from tests.unit.sandbox.server import Server, config_map


def written(history: int = 1000) -> tuple[Store, list[int]]:
    """A store after: c made, d made, c changed, d deleted; with the version after each."""
    store = Server(history=history).store
    versions: list[int] = []
    made = store.create("ConfigMap", "x", config_map("c", a="1"))
    versions.append(store.version)
    store.create("ConfigMap", "x", config_map("d"))
    versions.append(store.version)
    store.update("ConfigMap", {**made, "data": {"a": "2"}})
    versions.append(store.version)
    store.delete("ConfigMap", "x", "d")
    versions.append(store.version)
    return store, versions


def test_what_happened_since_a_version_should_be_told_for_one_kind() -> None:
    store, versions = written()
    store.create("Secret", "x", {"metadata": {"name": "s"}})

    assert [write.type for write in store.since("ConfigMap", versions[0])] == ["ADDED", "MODIFIED", "DELETED"]
    assert [write.type for write in store.since("ConfigMap", versions[3])] == []
    assert [write.version for write in store.since("ConfigMap", versions[1])] == versions[2:]


def test_the_past_should_be_seen_as_it_was() -> None:
    store, versions = written()

    def at(version: int) -> dict[str, str | None]:
        rows = store.rows_at("ConfigMap", "x", version)
        return {row.object["metadata"]["name"]: row.object.get("data", {}).get("a") for row in rows}

    assert [at(version) for version in versions] == [
        {"c": "1"},
        {"c": "1", "d": None},
        {"c": "2", "d": None},
        {"c": "2"},
    ]
    assert store.rows_at("ConfigMap", "other", versions[0]) == []


def test_what_is_compacted_should_be_gone() -> None:
    store, versions = written()
    store.compact(versions[1])

    for ask in (store.since, lambda kind, version: store.rows_at(kind, None, version)):
        with pytest.raises(Refusal) as caught:
            ask("ConfigMap", versions[0])
        assert (caught.value.code, caught.value.reason) == (410, "Expired")
        assert caught.value.message == f"too old resource version: {versions[0]} ({versions[1]})"
    assert len(store.since("ConfigMap", versions[1])) == 2


def test_a_full_history_should_forget_the_oldest_and_know_it() -> None:
    store, versions = written(history=2)

    assert store.oldest == versions[1]
    assert len(store.since("ConfigMap", versions[1])) == 2
    with pytest.raises(Refusal):
        store.since("ConfigMap", versions[0])
