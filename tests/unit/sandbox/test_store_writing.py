import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.sandbox.store import Object, Refusal, Store, Stored
from tests.unit.sandbox.server import Server, config_map, deployment, pod


def store() -> Store:
    return Server().store


def test_a_new_object_should_be_given_what_is_the_clusters_to_give() -> None:
    made = store().create("Pod", "x", {**pod(), "metadata": {"generateName": "web-"}})

    metadata = made["metadata"]
    assert metadata["name"].startswith("web-")
    assert len(metadata["name"]) == len("web-") + 5
    assert metadata["namespace"] == "x"
    assert metadata["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert metadata["generation"] == 1
    assert made["spec"]["restartPolicy"] == "Always"
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_the_same_seed_should_give_the_same_names_and_uids() -> None:
    one, other = (store().create("Pod", "x", {**pod(), "metadata": {"generateName": "web-"}}) for _ in range(2))

    assert one["metadata"] == other["metadata"]


def test_generated_names_should_never_meet() -> None:
    kept = store()

    made = {
        kept.create("ConfigMap", "x", {"metadata": {"generateName": "c-"}})["metadata"]["name"] for _ in range(8000)
    }

    assert len(made) == 8000


def test_what_was_given_to_the_store_should_stay_its_givers() -> None:
    given = deployment()
    before = repr(given)
    store().create("Deployment", "x", given)

    assert repr(given) == before


def test_every_write_should_raise_the_version_and_be_told_once_in_order() -> None:
    kept = store()
    told: list[Stored] = []
    stop = kept.follow(told.append)
    made = kept.create("ConfigMap", "x", config_map(a="1"))
    kept.update("ConfigMap", {**made, "data": {"a": "2"}})
    kept.delete("ConfigMap", "x", "c")
    stop()
    kept.create("ConfigMap", "x", config_map())

    assert [write.type for write in told] == ["ADDED", "MODIFIED", "DELETED"]
    first = told[0].version
    assert [write.version for write in told] == [first, first + 1, first + 2]
    assert [write.object["metadata"]["resourceVersion"] for write in told] == [str(write.version) for write in told]
    assert [write.previous is None for write in told] == [True, False, False]


def test_an_update_that_changes_nothing_should_write_nothing() -> None:
    kept = store()
    made = kept.create("Deployment", "x", deployment())
    version = kept.version

    assert kept.update("Deployment", {**made, "spec": dict(made["spec"])}) is made
    assert kept.update("Deployment", made, subresource="status", manager="someone") is made
    assert kept.version == version


@pytest.mark.parametrize(
    ("change", "generation"),
    [
        ({"spec": {"replicas": 3}}, 2),
        ({"metadata": {"labels": {"a": "b"}}}, 1),
        ({"metadata": {"annotations": {"a": "b"}}}, 2),
        ({"status": {"replicas": 3}}, 1),
    ],
)
def test_the_generation_should_count_what_is_declared(change: Object, generation: int) -> None:
    kept = store()
    made = kept.create("Deployment", "x", deployment())
    changed = {name: {**made.get(name, {}), **fields} for name, fields in change.items()}

    assert kept.update("Deployment", {**made, **changed})["metadata"]["generation"] == generation


def test_the_status_should_be_written_by_its_own_way_only() -> None:
    kept = store()
    made = kept.create("Deployment", "x", deployment())

    found = kept.update("Deployment", {**made, "spec": {}, "status": {"replicas": 1}}, subresource="status")

    assert (found["spec"], found["status"]) == (made["spec"], {"replicas": 1})


def refusal(kept: Store, kind: str, namespace: str | None, obj: Object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        kept.create(kind, namespace, obj)
    return caught.value


def test_a_taken_name_should_be_refused() -> None:
    kept = store()
    kept.create("ConfigMap", "x", config_map())

    found = refusal(kept, "ConfigMap", "x", config_map())
    assert (found.code, found.reason, found.message) == (409, "AlreadyExists", 'configmaps "c" already exists')


def test_nothing_new_should_come_into_a_namespace_that_is_not_there_or_goes() -> None:
    kept = store()
    missing = refusal(kept, "ConfigMap", "y", config_map())
    kept.delete("Namespace", None, "x")
    going = refusal(kept, "ConfigMap", "x", config_map())

    assert (missing.code, missing.message) == (404, 'namespaces "y" not found')
    assert (going.code, going.details and going.details["causes"][0]["reason"]) == (403, "NamespaceTerminating")


def test_an_update_of_an_older_version_should_be_refused() -> None:
    kept = store()
    made = kept.create("ConfigMap", "x", config_map(a="1"))
    kept.update("ConfigMap", {**made, "data": {"a": "2"}})

    with pytest.raises(Refusal) as caught:
        kept.update("ConfigMap", {**made, "data": {"a": "3"}})
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")
    unconditional = {name: value for name, value in made["metadata"].items() if name != "resourceVersion"}
    assert kept.update("ConfigMap", {**made, "metadata": unconditional, "data": {"a": "3"}})["data"] == {"a": "3"}


def test_a_dry_write_should_answer_and_change_nothing() -> None:
    kept = store()
    told: list[Stored] = []
    kept.follow(told.append)
    service = {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}}

    first = kept.create("Service", "x", service, dry=True)
    again = kept.create("Service", "x", service, dry=True)

    assert first["spec"] == again["spec"]
    assert first["spec"]["clusterIP"] != "None"
    assert kept.get("Service", "x", "s") is None
    assert told == []


def test_services_should_have_addresses_of_their_own_and_give_them_back() -> None:
    kept = store()

    def made(name: str) -> Object:
        spec = {"type": "NodePort", "ports": [{"port": 80}]}
        return kept.create("Service", "x", {"metadata": {"name": name}, "spec": spec})["spec"]  # type: ignore[no-any-return]

    one, other = made("a"), made("b")
    assert one["clusterIP"] != other["clusterIP"]
    assert one["ports"][0]["nodePort"] != other["ports"][0]["nodePort"]
    kept.delete("Service", "x", "a")
    named = {"metadata": {"name": "c"}, "spec": {**one, "ports": one["ports"]}}
    assert kept.create("Service", "x", named)["spec"]["clusterIP"] == one["clusterIP"]
    with pytest.raises(Refusal):
        kept.create("Service", "x", {**named, "metadata": {"name": "d"}})


@given(st.lists(st.sampled_from(["create", "update", "touch", "delete"]), max_size=30))
def test_a_follower_who_applies_every_write_should_hold_what_the_store_holds(steps: list[str]) -> None:
    kept = store()
    held: dict[str, Object] = {}

    def follow(write: Stored) -> None:
        if write.kind.name == "ConfigMap":
            held.pop(write.object["metadata"]["name"], None)
            if write.type != "DELETED":
                held[write.object["metadata"]["name"]] = write.object

    kept.follow(follow)
    for number, step in enumerate(steps):
        names = sorted(held)
        if step == "create" or not names:
            kept.create("ConfigMap", "x", config_map(f"c{number}"))
        elif step == "delete":
            kept.delete("ConfigMap", "x", names[0])
        else:
            data = {"n": str(number)} if step == "update" else held[names[0]].get("data", {})
            kept.update("ConfigMap", {**held[names[0]], "data": data})

    assert held == {obj["metadata"]["name"]: obj for obj in kept.all("ConfigMap", "x")}
    assert all(kept.by_uid(obj["metadata"]["uid"]) is obj for obj in held.values())
