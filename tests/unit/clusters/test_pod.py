"""The cluster that a pod runs in, by its service account's folder."""

import asyncio
from pathlib import Path

import pytest

from nexus_gql.clusters import ClusterKind, Fleet, ServiceAccount, Surroundings, Target, Unauthorized, discover
from nexus_gql.clusters.targets import load
from nexus_gql.supervisor import Supervisor
from nexus_gql.vault import Vault


@pytest.fixture
def account(tmp_path: Path) -> ServiceAccount:
    """As Kubernetes lays it out."""
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "ca.crt").write_text("a certificate")
    return ServiceAccount(tmp_path, "10.96.0.1", "443")


IN_CLUSTER = Target(ClusterKind.IN_CLUSTER)


async def test_the_pods_account_should_be_used(account: ServiceAccount) -> None:
    loaded = await load(IN_CLUSTER, Surroundings(service_account=account))
    configuration = loaded.configuration
    assert configuration.host == "https://10.96.0.1:443"
    assert configuration.ssl_ca_cert == str(account.folder / "ca.crt")
    assert await configuration.get_api_key_with_prefix("BearerToken") == "Bearer first"
    loaded.close()


@pytest.mark.looptime
async def test_a_token_should_be_read_again_every_minute(account: ServiceAccount) -> None:
    loaded = await load(IN_CLUSTER, Surroundings(service_account=account))
    (account.folder / "token").write_text("second")
    seen = []
    for _ in range(3):
        seen.append(await loaded.configuration.get_api_key_with_prefix("BearerToken"))
        await asyncio.sleep(31)
    assert seen == ["Bearer first", "Bearer first", "Bearer second"]
    loaded.close()


@pytest.mark.looptime
async def test_a_token_that_is_gone_should_be_said(account: ServiceAccount) -> None:
    loaded = await load(IN_CLUSTER, Surroundings(service_account=account))
    (account.folder / "token").unlink()
    await asyncio.sleep(61)
    with pytest.raises(Unauthorized, match="token of the pod's service account cannot be read"):
        await loaded.configuration.get_api_key_with_prefix("BearerToken")
    loaded.close()


@pytest.mark.parametrize("lacks", ["token", "ca.crt", "host", "port", "all"])
async def test_outside_of_a_pod_there_should_be_no_such_cluster(account: ServiceAccount, lacks: str) -> None:
    given: ServiceAccount | None = account
    if lacks in {"token", "ca.crt"}:
        (account.folder / lacks).unlink()
    elif lacks != "all":
        kept = {"host": account.host, "port": account.port, lacks: ""}
        given = ServiceAccount(account.folder, **kept)
    else:
        given = None
    with pytest.raises(Unauthorized):
        await load(IN_CLUSTER, Surroundings(service_account=given))


async def test_the_pods_own_cluster_should_be_found(account: ServiceAccount) -> None:
    surroundings = Surroundings("tcp://127.0.0.1:1", service_account=account)
    async with Supervisor() as supervisor:
        (found,) = await discover(Fleet(Vault(bytes(32)), surroundings, supervisor))
    assert (found.kind, found.registered_as) == (ClusterKind.IN_CLUSTER, None)
    assert found.detail == "the cluster that Nexus itself runs in, at https://10.96.0.1:443"


def test_an_address_of_version_6_should_stand_in_brackets(tmp_path: Path) -> None:
    assert ServiceAccount(tmp_path, "fd00::1", "443").server == "https://[fd00::1]:443"
