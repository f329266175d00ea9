import pytest

from nexus_gql.sandbox.store import Object, Refusal, Store
from tests.unit.sandbox.server import Server, config_map, deployment, pod


def with_pod(*, node: str | None = "n", phase: str = "Running") -> Store:
    store = Server().store
    made = store.create("Pod", "x", pod())
    spec = {**made["spec"], **({"nodeName": node} if node else {})}
    store.update("Pod", {**made, "spec": spec, "status": {**made["status"], "phase": phase}}, subresource="binding")
    return store


def test_a_running_pod_should_be_given_its_time() -> None:
    store = with_pod()

    left = store.delete("Pod", "x", "p")

    assert left is not None
    metadata = left["metadata"]
    assert (metadata["deletionTimestamp"], metadata["deletionGracePeriodSeconds"]) == ("2026-01-01T00:00:30Z", 30)
    assert metadata["generation"] == 2
    store.remove("Pod", "x", "p")
    assert store.get("Pod", "x", "p") is None


@pytest.mark.parametrize(
    ("node", "phase", "grace"),
    [(None, "Pending", None), ("n", "Succeeded", None), ("n", "Failed", 60), ("n", "Running", 0)],
)
def test_a_pod_of_which_nothing_runs_should_go_at_once(node: str | None, phase: str, grace: int | None) -> None:
    store = with_pod(node=node, phase=phase)

    assert store.delete("Pod", "x", "p", grace=grace) is None
    assert store.get("Pod", "x", "p") is None


def test_a_second_deletion_should_shorten_the_time_and_never_lengthen_it() -> None:
    store = with_pod()
    store.delete("Pod", "x", "p", grace=20)
    version = store.version

    longer = store.delete("Pod", "x", "p", grace=40)
    assert longer is not None
    assert (longer["metadata"]["deletionGracePeriodSeconds"], store.version) == (20, version)
    shorter = store.delete("Pod", "x", "p", grace=5)
    assert shorter is not None
    assert shorter["metadata"]["deletionGracePeriodSeconds"] == 5


def test_a_finalizer_should_hold_an_object_until_it_is_taken_away() -> None:
    store = Server().store
    store.create("ConfigMap", "x", {**config_map(), "metadata": {"name": "c", "finalizers": ["nexus.dev/hold"]}})

    held = store.delete("ConfigMap", "x", "c")
    assert held is not None
    store.remove("ConfigMap", "x", "c")
    assert store.get("ConfigMap", "x", "c") is held
    metadata = {name: value for name, value in held["metadata"].items() if name != "finalizers"}
    store.update("ConfigMap", {**held, "metadata": metadata})
    assert store.get("ConfigMap", "x", "c") is None


@pytest.mark.parametrize(
    ("propagation", "finalizers"), [("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"])]
)
def test_dependents_should_be_seen_to_first_where_that_was_asked(propagation: str, finalizers: list[str]) -> None:
    store = Server().store
    store.create("Deployment", "x", deployment())

    held = store.delete("Deployment", "x", "web", propagation=propagation)

    assert held is not None
    assert held["metadata"]["finalizers"] == finalizers
    assert store.delete("Deployment", "x", "web", dry=True) is not None


def test_a_namespace_should_stay_terminating_until_it_is_finalized() -> None:
    store = Server().store

    left = store.delete("Namespace", None, "x")

    assert left is not None
    assert left["status"]["phase"] == "Terminating"
    assert store.delete("Namespace", None, "x") is left
    store.update("Namespace", {**left, "spec": {}})
    assert store.get("Namespace", None, "x") is None


@pytest.mark.parametrize("precondition", [{"uid": "other"}, {"version": "1"}])
def test_a_deletion_should_hit_only_the_object_that_it_was_meant_for(precondition: Object) -> None:
    store = Server().store
    made = store.create("ConfigMap", "x", config_map())

    with pytest.raises(Refusal) as caught:
        store.delete("ConfigMap", "x", "c", **precondition)
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")
    metadata = made["metadata"]
    assert store.delete("ConfigMap", "x", "c", uid=metadata["uid"], version=metadata["resourceVersion"]) is None
