"""A real cluster for the session, with images that behave as they are told, and a proxy before its apiserver."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cluster import images as making
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
