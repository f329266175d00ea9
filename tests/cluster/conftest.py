"""A real cluster for the session, with images that behave as they are told, a proxy before its apiserver, and a Nexus on it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cluster import images as making
from tests.cluster import nexus as serving
from tests.cluster import place as placing
from tests.cluster import proxy as proxying
from tests.cluster import real

ECHO = ("nexus-test/echo:1", "nexus-test/echo:2")


@pytest.fixture(scope="session")
def cluster() -> Iterator[real.Cluster]:
    """The cluster. A test that stops one of its programs starts it again."""
    with real.running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def images(cluster: real.Cluster) -> tuple[str, str]:
    """Two versions of `echo` (the file beside this one says what it can be told), on the cluster's node."""
    for name in ECHO:
        making.make(name, Path(__file__).with_name("echo"), VERSION=name.rpartition(":")[2])
    making.load(cluster.node, *ECHO)
    return ECHO


@pytest.fixture
def namespace_name(cluster: real.Cluster) -> Iterator[str]:
    """The name of a Kubernetes namespace that is not there yet; whatever the test makes under it is deleted."""
    name = f"test-{uuid4().hex[:8]}"
    yield name
    cluster.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


@pytest.fixture
def namespace(cluster: real.Cluster, namespace_name: str) -> str:
    """The same, made."""
    cluster.kubectl("create", "namespace", namespace_name)
    return namespace_name


@pytest.fixture
def proxy(cluster: real.Cluster) -> Iterator[proxying.Proxy]:
    """A counting proxy before the cluster's apiserver."""
    with proxying.running(cluster.kubeconfig) as proxy:
        yield proxy


@pytest.fixture
def kubeconfig(cluster: real.Cluster) -> str:
    """How Nexus reaches the cluster. A module whose tests count or cut puts the proxy's here."""
    return cluster.kubeconfig.read_text()


@pytest.fixture
async def nexus(database_file: Path) -> AsyncIterator[serving.Nexus]:
    """A whole server on SQLite, in this process."""
    async with serving.in_process(database_file) as nexus:
        yield nexus


@pytest.fixture
async def place(
    cluster: real.Cluster, images: tuple[str, str], namespace_name: str, kubeconfig: str, nexus: serving.Nexus
) -> placing.Place:
    """A project of that server on the cluster, with a namespace of the test's own."""
    await placing.connected(nexus, kubeconfig)
    return await placing.made(nexus, cluster, namespace_name)
