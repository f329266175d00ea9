"""The queues: each key once, nothing looked at that was not touched, nobody stopped by somebody else's fault."""

import asyncio
from collections.abc import Mapping
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_gql.sandbox.clock import Driven, settle
from nexus_gql.sandbox.controllers import Controllers
from nexus_gql.sandbox.index import Index
from nexus_gql.sandbox.nodes import machines
from nexus_gql.sandbox.objects import labels_of, phase_of, status_of
from nexus_gql.sandbox.store import Store
from tests.unit.sandbox.cluster import HOME, container, running, workload


async def test_a_change_to_one_workload_should_concern_no_other() -> None:
    async with running() as cluster:
        for number in range(20):
            cluster.make("Deployment", f"web{number}", workload(f"web{number}"))
            cluster.make("Service", f"web{number}", {"selector": {"app": f"web{number}"}, "ports": [{"port": 80}]})
        await cluster.clock.advance(5)
        written: set[str] = set()
        cluster.store.follow(lambda write: written.add(write.object["metadata"]["name"].split("-")[0].split(".")[0]))
        cluster.change("Deployment", "web7", replicas=3)
        await cluster.clock.advance(5)
        assert written == {"web7"}


async def test_what_was_there_before_the_controllers_should_be_seen_to() -> None:
    clock = Driven()
    store = Store(clock, Random(1))
    for name in ("default", HOME):
        store.create("Namespace", None, {"metadata": {"name": name}})
    store.create("Deployment", HOME, {"metadata": {"name": "web"}, "spec": workload("web", replicas=2)})
    controllers = Controllers(store, clock, machines(1), Random(1))
    task = asyncio.create_task(controllers.run())
    await clock.advance(5)
    found = store.get("Deployment", HOME, "web")
    assert found is not None
    assert status_of(found)["readyReplicas"] == 2
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_object_that_a_controller_cannot_cope_with_should_stop_no_other() -> None:
    async with running() as cluster:
        cluster.make(
            "CronJob",
            "odd",
            {
                "schedule": "every morning",
                "jobTemplate": {"spec": {"template": {"spec": {"containers": [container()]}}}},
            },
        )
        cluster.make("Pod", "a", {"containers": [container()]})
        await cluster.clock.advance(5)
        assert phase_of(cluster.get("Pod", "a")) == "Running"
        assert cluster.reasons("odd") == ["UnparseableSchedule"]


async def test_the_same_seed_should_make_the_same_cluster() -> None:
    names = []
    for _ in range(2):
        async with running(seed=11) as cluster:
            cluster.make("Deployment", "web", workload("web", container("or/x:crash"), replicas=3))
            await cluster.clock.advance(100)
            names.append([(pod["metadata"]["name"], pod["metadata"]["uid"], status_of(pod)) for pod in cluster.pods()])
    assert names[0] == names[1]


async def test_ten_minutes_of_thirty_crashing_pods_should_come_to_rest_each_time() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", container("or/x:crash"), replicas=30))
        await cluster.clock.advance(600)
        await settle()
        assert {status_of(pod)["containerStatuses"][0]["restartCount"] for pod in cluster.pods()} <= {6, 7, 8}


LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), max_size=3)


@settings(max_examples=60)
@given(
    pods=st.lists(LABELS, max_size=8),
    changes=st.lists(st.tuples(st.integers(0, 7), LABELS | st.none()), max_size=10),
    selector=LABELS,
)
def test_the_index_should_find_what_looking_at_all_pods_finds(
    pods: list[Mapping[str, str]], changes: list[tuple[int, Mapping[str, str] | None]], selector: Mapping[str, str]
) -> None:
    store = Store(Driven(), Random(1))
    index = Index(store)
    store.follow(index.note)
    store.create("Namespace", None, {"metadata": {"name": HOME}})
    store.create("ServiceAccount", HOME, {"metadata": {"name": "default"}})
    for number, labels in enumerate(pods):
        body = {"metadata": {"name": f"p{number}", "labels": dict(labels)}, "spec": {"containers": [container()]}}
        store.create("Pod", HOME, body)
    for number, changed in changes:
        found = store.get("Pod", HOME, f"p{number}")
        if found is not None and changed is None:
            store.remove("Pod", HOME, f"p{number}")
        elif found is not None:
            store.update("Pod", {**found, "metadata": {**found["metadata"], "labels": dict(changed or {})}})
    wanted = {
        pod["metadata"]["name"]
        for pod in store.all("Pod", HOME)
        if selector and selector.items() <= labels_of(pod).items()
    }
    assert {pod["metadata"]["name"] for pod in index.selected(HOME, selector)} == wanted
    assert index.content(HOME)["Pod"] == len(list(store.all("Pod", HOME)))
