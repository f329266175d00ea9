"""Copying an environment, as a client does it. What a copy is made of is tested with the hierarchy."""

from typing import Any

import pytest

from .hierarchy import configure, declare, declare_all, join_dead_cluster
from .server import Nexus

CLONE = """mutation ($path: Path!, $name: String!, $cluster: String) { cloneEnvironment(path: $path, name: $name, cluster: $cluster) {
  environment { path displayName stage version cluster { name } namespaces { path kubernetesName concern }
    applications { nodes { path kind settings { document } outdated endpoints { url } workload { name } } } }
  missingSecrets { path key } problems { code message path remedy } warnings { code path } } }"""


async def clone(nexus: Nexus, path: str, name: str, **more: Any) -> Any:
    return (await nexus.execute(CLONE, {"path": path, "name": name, **more}))["cloneEnvironment"]


@pytest.fixture
async def source(nexus: Nexus) -> None:
    """Two applications of which one refers to the other by its full path, on a cluster."""
    await join_dead_cluster(nexus, "dead")
    await declare(nexus, "or")
    await declare(nexus, "or/local", cluster="dead", stage="STAGING", displayName="Ours")
    await declare(nexus, "or/local/ddk", concern="DDK")
    await declare(nexus, "or/local/ddk/features", kind="DATA_SERVER")
    await declare(nexus, "or/local/models", concern="MDK")
    await declare(nexus, "or/local/models/churn", kind="MODEL")
    env = [
        {"name": "API_KEY", "value": {"secret": "hunter2"}},
        {"name": "FEATURES", "value": {"service": {"ref": "or/local/ddk/features"}}},
    ]
    await configure(nexus, "or/local/models/churn", {"env": env, "dependsOn": [{"ref": "or/local/ddk/features"}]})


@pytest.mark.usefixtures("source")
async def test_a_copy_should_be_answered_with_all_that_it_has_and_what_it_lacks(nexus: Nexus) -> None:
    payload = await clone(nexus, "or/local", "copy")
    assert payload["problems"] == payload["warnings"] == []
    assert payload["missingSecrets"] == [{"path": "or/copy/models/churn", "key": "env.API_KEY"}]
    environment = payload["environment"]
    assert (environment["path"], environment["displayName"], environment["stage"], environment["version"]) == (
        "or/copy",
        "copy",
        "STAGING",
        1,
    )
    assert environment["namespaces"] == [
        {"path": "or/copy/ddk", "kubernetesName": "or-copy-ddk", "concern": "DDK"},
        {"path": "or/copy/models", "kubernetesName": "or-copy-models", "concern": "MDK"},
    ]
    features, churn = environment["applications"]["nodes"]
    assert (features["path"], features["kind"]) == ("or/copy/ddk/features", "DATA_SERVER")
    assert churn["settings"]["document"] == {
        "env": {"FEATURES": {"service": {"ref": "ddk/features"}}},
        "dependsOn": {"ddk/features": {"need": "REQUIRED"}},
    }
    assert (churn["outdated"], churn["endpoints"], churn["workload"]) == (False, [], None)


@pytest.mark.usefixtures("source")
async def test_a_copy_should_be_on_the_cluster_of_its_source_unless_another_is_named(nexus: Nexus) -> None:
    await join_dead_cluster(nexus, "other")
    assert (await clone(nexus, "or/local", "same"))["environment"]["cluster"] == {"name": "dead"}
    assert (await clone(nexus, "or/local", "elsewhere", cluster="other"))["environment"]["cluster"] == {"name": "other"}


async def test_a_copy_of_what_has_no_cluster_should_have_none(nexus: Nexus) -> None:
    """The Docker engine is away, so that a LOCAL one finds no KinD cluster either."""
    await declare_all(nexus, "or")
    await declare(nexus, "or/local", stage="LOCAL")
    payload = await clone(nexus, "or/local", "copy")
    assert payload["problems"] == []
    assert payload["environment"]["cluster"] is None
    (warning,) = payload["warnings"]
    assert (warning["code"], warning["path"]) == ("NOT_FOUND", ["cluster"])


@pytest.mark.usefixtures("source")
async def test_a_missing_secret_should_be_set_as_any_other(nexus: Nexus) -> None:
    (missing,) = (await clone(nexus, "or/local", "copy"))["missingSecrets"]
    name = missing["key"].removeprefix("env.")
    done = await configure(nexus, missing["path"], {"env": [{"name": name, "value": {"secret": "another"}}]})
    assert done["changed"] == [missing["key"]]
    assert not any("hunter2" in said for said in nexus.said)
