"""Clusters that look like KinD's are found on the Docker engine and reached without anybody's kubeconfig."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.cluster import engine
from tests.cluster.engine import Lookalike
from tests.cluster.nexus import Answered, Nexus, in_process, until
from tests.cluster.place import SETTINGS, Place
from tests.cluster.real import Cluster

DISCOVERED = "{ discoverClusters { name kind detail registeredAs } }"


@pytest.fixture
async def nexus(cluster: Cluster, database_file: Path) -> AsyncIterator[Nexus]:
    """A server whose Docker engine has the tests' cluster and no other."""
    async with engine.showing([cluster.node]) as url, in_process(database_file, docker_url=url) as nexus:
        yield nexus


@pytest.fixture
def like(cluster: Cluster, images: tuple[str, str]) -> Iterator[Lookalike]:
    with engine.lookalike(cluster, images[0]) as like:
        yield like


async def connection(nexus: Nexus, name: str) -> Answered:
    document = "query ($name: String!) { cluster(name: $name) { connection { status message retryAt } } }"
    found: Answered = (await nexus.ask(document, name=name))["cluster"]["connection"]
    return found


async def becomes(nexus: Nexus, name: str, status: str, *, saying: str = "") -> Answered:
    async def has_become() -> Answered | None:
        now = await connection(nexus, name)
        return now if now["status"] == status and saying in now["message"] else None

    return await until(has_become)


async def test_local_environment_should_take_the_only_kind_cluster_without_being_told(
    cluster: Cluster, images: tuple[str, str], namespace_name: str, nexus: Nexus
) -> None:
    (found,) = (await nexus.ask(DISCOVERED))["discoverClusters"]
    assert (found["name"], found["kind"], found["registeredAs"]) == (cluster.name, "KIND", None)
    assert cluster.node in found["detail"]

    await nexus.create("Project", name="or", settings=SETTINGS)
    await nexus.create("Environment", project="or", name="local", stage="LOCAL")
    await nexus.create("Namespace", environment="or/local", name="models", kubernetesName=namespace_name)
    document = '{ environment(path: "or/local") { cluster { name kind version environments { path } } } }'
    taken = (await nexus.ask(document))["environment"]["cluster"]

    assert (taken["name"], taken["kind"], taken["environments"]) == (cluster.name, "KIND", [{"path": "or/local"}])
    await becomes(nexus, cluster.name, "CONNECTED")
    await Place(nexus, cluster, namespace_name).run()
    (found,) = (await nexus.ask(DISCOVERED))["discoverClusters"]
    assert found["registeredAs"] == cluster.name


async def test_one_cluster_should_be_registered_once_whatever_it_is_called(cluster: Cluster, nexus: Nexus) -> None:
    payload = await nexus.register("laptop", {"kind": {"name": cluster.name}})
    assert payload["problems"] == []
    assert payload["cluster"]["kind"] == "KIND"

    again = await nexus.register("other", {"kubeconfig": {"content": cluster.kubeconfig.read_text()}})

    assert again["cluster"] is None
    (problem,) = again["problems"]
    assert problem["code"] == "ALREADY_EXISTS"
    assert "laptop" in problem["message"]
    assert [one["name"] for one in (await nexus.ask("{ clusters { name } }"))["clusters"]] == ["laptop"]


async def test_kind_cluster_that_is_not_there_should_be_told_with_those_that_are(
    cluster: Cluster, nexus: Nexus
) -> None:
    payload = await nexus.register("laptop", {"kind": {"name": "no-such"}})

    assert payload["cluster"] is None
    (problem,) = payload["problems"]
    assert problem["code"] == "UNREACHABLE"
    assert "no-such" in problem["message"]
    assert cluster.name in problem["message"]


async def test_stopped_cluster_should_be_unreachable_with_the_remedy_and_come_back_at_another_address(
    cluster: Cluster, like: Lookalike, database_file: Path
) -> None:
    async with engine.showing([like.container]) as url, in_process(database_file, docker_url=url) as nexus:
        payload = await nexus.register("laptop", {"kind": {"name": like.name}})
        assert payload["problems"] == []
        await becomes(nexus, "laptop", "CONNECTED")
        before = engine.docker("port", like.container, "6443/tcp")

        await like.stop()

        lost = await becomes(nexus, "laptop", "UNREACHABLE", saying=f"docker start {like.container}")
        assert lost["retryAt"]
        (found,) = (await nexus.ask(DISCOVERED))["discoverClusters"]
        assert "running" not in found["detail"].split()
        await like.start()
        assert engine.docker("port", like.container, "6443/tcp") != before
        await becomes(nexus, "laptop", "CONNECTED")
