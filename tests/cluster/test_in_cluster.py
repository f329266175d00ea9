"""The cluster that a pod runs in, by what a real apiserver gives a service account."""

import base64
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from nexus_gql.clusters import (
    ClusterKind,
    Connection,
    Denied,
    ServiceAccount,
    Surroundings,
    Target,
    Unauthorized,
    opened,
)
from nexus_gql.clusters.link import cluster_uid
from tests.cluster import real
from tests.cluster.nexus import until


@pytest.fixture
def account(cluster: real.Cluster, namespace: str, tmp_path: Path) -> ServiceAccount:
    """A folder as the kubelet would lay it out for a pod of a service account that may do nothing yet."""
    cluster.kubectl("create", "serviceaccount", "nexus", "-n", namespace)
    config = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    authority = config.get("certificate-authority-data")
    certificate = base64.b64decode(authority) if authority else Path(config["certificate-authority"]).read_bytes()
    (tmp_path / "ca.crt").write_bytes(certificate)
    (tmp_path / "token").write_text(cluster.kubectl("create", "token", "nexus", "-n", namespace))
    server = urlsplit(config["server"])
    return ServiceAccount(tmp_path, server.hostname or "", str(server.port))


IN_CLUSTER = Target(ClusterKind.IN_CLUSTER)


async def test_a_service_account_should_reach_its_cluster_as_far_as_it_may(
    cluster: real.Cluster, namespace: str, account: ServiceAccount
) -> None:
    async with opened(IN_CLUSTER, Surroundings(service_account=account)) as connection:
        with pytest.raises(Denied, match=f"system:serviceaccount:{namespace}:nexus"):
            await cluster_uid(connection)
        role = f"nexus-{namespace}"
        cluster.kubectl("create", "clusterrole", role, "--verb=get", "--resource=namespaces")
        try:
            subject = f"--serviceaccount={namespace}:nexus"
            cluster.kubectl("create", "rolebinding", role, f"--clusterrole={role}", subject, "-n", "kube-system")
            try:
                outside = cluster.kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
                assert await until(lambda: _uid_once_allowed(connection)) == outside
            finally:
                cluster.kubectl("delete", "rolebinding", role, "-n", "kube-system")
        finally:
            cluster.kubectl("delete", "clusterrole", role)


async def _uid_once_allowed(connection: Connection) -> str | None:
    """An apiserver hears of a role that was just bound as others hear of any object: a moment later."""
    try:
        return await cluster_uid(connection)
    except Denied:
        return None


async def test_a_token_of_nobody_should_be_refused(account: ServiceAccount) -> None:
    (account.folder / "token").write_text("nobody")
    async with opened(IN_CLUSTER, Surroundings(service_account=account)) as connection:
        with pytest.raises(Unauthorized):
            await cluster_uid(connection)
