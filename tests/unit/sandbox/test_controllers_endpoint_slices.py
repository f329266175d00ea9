"""EndpointSlices."""

from nexus_gql.sandbox.objects import status_of
from nexus_gql.sandbox.store import Object
from tests.unit.sandbox.cluster import HOME, Cluster, container, running, workload

PORTS: list[Object] = [{"name": "http", "containerPort": 8080}]


def service(app: str = "web", target: int | str = "http", **spec: object) -> Object:
    return {"selector": {"app": app}, "ports": [{"name": "http", "port": 80, "targetPort": target}], **spec}


def conditions(cluster: Cluster) -> list[tuple[bool, bool, bool]]:
    return [
        (found["ready"], found["serving"], found["terminating"])
        for item in cluster.all("EndpointSlice")
        for endpoint in item.get("endpoints") or ()
        for found in [endpoint["conditions"]]
    ]


async def test_a_slice_should_hold_the_pods_of_its_service_with_the_number_of_their_port() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", container(ports=PORTS), replicas=2))
        made = cluster.make("Service", "web", service())
        await cluster.clock.advance(3)

        (item,) = cluster.all("EndpointSlice")
        assert item["metadata"]["labels"] == {
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            "kubernetes.io/service-name": "web",
        }
        assert item["metadata"]["generateName"] == "web-"
        assert item["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
        assert item["addressType"] == "IPv4"
        assert item["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
        pods = {status_of(pod)["podIP"]: pod for pod in cluster.pods()}
        for endpoint in item["endpoints"]:
            pod = pods.pop(endpoint["addresses"][0])
            assert endpoint["nodeName"] == pod["spec"]["nodeName"]
            assert endpoint["targetRef"]["uid"] == pod["metadata"]["uid"]
            assert endpoint["conditions"] == {"ready": True, "serving": True, "terminating": False}
        assert pods == {}


async def test_a_pod_should_be_listed_before_it_is_ready() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", container("or/web:unready", ports=PORTS)))
        cluster.make("Service", "web", service())
        await cluster.clock.advance(3)
        assert conditions(cluster) == [(False, False, False)]


async def test_a_pod_that_ends_should_serve_and_not_be_ready() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", container(ports=PORTS)))
        cluster.make("Service", "web", service())
        await cluster.clock.advance(3)
        cluster.change("Deployment", "web", replicas=0)
        await cluster.clock.advance(0.2)
        assert conditions(cluster) == [(False, True, True)]
        await cluster.clock.advance(3)
        assert conditions(cluster) == []


async def test_a_service_without_pods_should_have_an_empty_slice() -> None:
    async with running() as cluster:
        cluster.make("Service", "web", service())
        await cluster.clock.advance(1)
        (item,) = cluster.all("EndpointSlice")
        assert not item.get("endpoints")


async def test_a_service_without_a_selector_should_have_none() -> None:
    async with running() as cluster:
        cluster.make("Service", "web", {"ports": [{"port": 80}]})
        await cluster.clock.advance(1)
        assert cluster.all("EndpointSlice") == []


async def test_another_selector_should_bring_other_pods() -> None:
    async with running() as cluster:
        for app in ("web", "api"):
            cluster.make("Deployment", app, workload(app, container(ports=PORTS)))
        cluster.make("Service", "web", service())
        await cluster.clock.advance(3)
        cluster.change("Service", "web", selector={"app": "api"})
        await cluster.clock.advance(1)
        (item,) = cluster.all("EndpointSlice")
        assert item["endpoints"][0]["addresses"] == [status_of(cluster.pods("api")[0])["podIP"]]


async def test_a_slice_that_somebody_deletes_should_be_made_again_and_go_with_its_service() -> None:
    async with running() as cluster:
        cluster.make("Service", "web", service())
        await cluster.clock.advance(1)
        (first,) = cluster.all("EndpointSlice")
        cluster.store.delete("EndpointSlice", HOME, first["metadata"]["name"])
        await cluster.clock.advance(1)
        (second,) = cluster.all("EndpointSlice")
        assert second["metadata"]["uid"] != first["metadata"]["uid"]
        cluster.store.delete("Service", HOME, "web")
        await cluster.clock.advance(1)
        assert cluster.all("EndpointSlice") == []


async def test_many_pods_should_be_cut_into_slices_of_a_hundred() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", container(ports=PORTS), replicas=150))
        cluster.make("Service", "web", service())
        await cluster.clock.advance(5)
        assert sorted(len(item["endpoints"]) for item in cluster.all("EndpointSlice")) == [50, 100]
        assert len(conditions(cluster)) == 150
