"""The four levels: made, read, changed, deleted."""

from typing import Any

import pytest

from .hierarchy import declare, declare_all
from .server import Nexus

CHURN = "or/local/models/churn"

LEVEL = """query ($path: Path!) { level(path: $path) {
  __typename id path name displayName description version createdAt updatedAt viewerRole
  health { status healthy suspended progressing missing degraded unknown }
  ... on Environment { stage cluster { name } project { path } namespaces { path } }
  ... on Namespace { concern kubernetesName environment { path } }
  ... on Application { kind namespace { path } serving state { status message stale } workload { name } pods { name } }
  ... on Project { environments { path } }
} }"""

UPDATE = """mutation ($path: Path!, $input: UpdateLevelInput!, $expectedVersion: Int) {
  updateLevel(path: $path, input: $input, expectedVersion: $expectedVersion) {
    level { path displayName description version ... on Environment { stage } ... on Namespace { concern } ... on Application { kind } }
    problems { code path } warnings { code } } }"""

DELETE = "mutation ($path: Path!) { deleteLevel(path: $path) { deleted problems { code path } warnings { code } } }"


async def read(nexus: Nexus, path: str) -> Any:
    return (await nexus.execute(LEVEL, {"path": path}))["level"]


@pytest.mark.parametrize(("stage", "codes"), [("LOCAL", ["NOT_FOUND"]), ("DEVELOPMENT", [])])
async def test_a_local_environment_that_found_no_cluster_should_be_warned_of(
    nexus: Nexus, stage: str, codes: list[str]
) -> None:
    """It takes the KinD cluster of the Docker engine by itself, which here is away; nothing was said of it."""
    await declare(nexus, "or")
    document = """mutation ($input: CreateEnvironmentInput!) { createEnvironment(input: $input) {
      environment { cluster { name } } problems { code } warnings { code message path remedy } } }"""
    made = await nexus.mutate(document, {"input": {"project": "or", "name": "local", "stage": stage}})
    assert made["environment"] == {"cluster": None}
    assert [warning["code"] for warning in made["warnings"]] == codes
    for warning in made["warnings"]:
        assert warning["path"] == ["input", "cluster"]
        assert "registerCluster" in warning["remedy"]
        assert "updateLevel" in warning["remedy"]


async def test_each_level_should_be_read_as_it_was_made(nexus: Nexus) -> None:
    await declare(nexus, "or", displayName="Optimal Reality", description="All of it")
    await declare(nexus, "or/local", stage="LOCAL")
    await declare(nexus, "or/local/models", concern="MDK")
    application_id = await declare(nexus, CHURN, kind="MODEL", displayName="Customer churn")

    project, environment, namespace, application = [
        await read(nexus, path) for path in ("or", "or/local", "or/local/models", CHURN)
    ]
    assert (project["__typename"], project["displayName"], project["description"]) == (
        "Project",
        "Optimal Reality",
        "All of it",
    )
    assert project["environments"] == [{"path": "or/local"}]
    assert (environment["__typename"], environment["stage"], environment["cluster"]) == ("Environment", "LOCAL", None)
    assert (environment["displayName"], environment["project"]) == ("local", {"path": "or"})
    assert environment["namespaces"] == [{"path": "or/local/models"}]
    assert (namespace["concern"], namespace["kubernetesName"]) == ("MDK", "or-local-models")
    assert application["id"] == application_id
    assert (application["kind"], application["namespace"], application["name"]) == (
        "MODEL",
        {"path": "or/local/models"},
        "churn",
    )
    assert {level["version"] for level in (project, environment, namespace, application)} == {1}
    assert {level["viewerRole"] for level in (project, environment, namespace, application)} == {"ADMIN"}


async def test_defaults_should_hold_where_nothing_is_said(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    assert (await read(nexus, "or/local"))["stage"] == "DEVELOPMENT"
    assert (await read(nexus, "or/local/models"))["concern"] == "OTHER"
    assert (await read(nexus, CHURN))["kind"] == "SERVICE"


async def test_what_was_never_deployed_should_be_counted_and_not_make_a_level_bad(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    application = await read(nexus, CHURN)
    assert application["serving"] is False
    assert application["workload"] is None
    assert application["pods"] == []
    assert application["state"]["stale"] is False
    assert application["state"]["message"]
    health = (await read(nexus, "or"))["health"]
    assert sum(count for name, count in health.items() if name != "status") == 1


async def test_a_level_without_applications_should_be_healthy(nexus: Nexus) -> None:
    await declare(nexus, "or")
    assert (await read(nexus, "or"))["health"]["status"] == "HEALTHY"


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("or", {"displayName": "Reality", "description": "New"}),
        ("or/local", {"stage": "STAGING"}),
        ("or/local/models", {"concern": "DDK"}),
        (CHURN, {"kind": "AGENT"}),
    ],
)
async def test_what_is_not_settings_should_be_changed_and_counted(
    nexus: Nexus, path: str, change: dict[str, str]
) -> None:
    await declare_all(nexus, CHURN)
    payload = await nexus.mutate(UPDATE, {"path": path, "input": change})
    assert payload["level"].items() >= change.items()
    assert payload["level"]["version"] == 2
    again = await read(nexus, path)
    assert again.items() >= change.items()
    assert again["updatedAt"] > again["createdAt"]


async def test_null_should_take_back_what_can_be_absent_and_what_is_absent_should_stay(nexus: Nexus) -> None:
    await declare(nexus, "or", displayName="Optimal Reality", description="All of it")
    payload = await nexus.mutate(UPDATE, {"path": "or", "input": {"displayName": None}})
    assert (payload["level"]["displayName"], payload["level"]["description"]) == ("or", "All of it")
    payload = await nexus.mutate(UPDATE, {"path": "or", "input": {"description": None}})
    assert (payload["level"]["displayName"], payload["level"]["description"]) == ("or", None)


async def test_a_version_that_has_passed_should_be_a_conflict_and_change_nothing(nexus: Nexus) -> None:
    await declare(nexus, "or")
    await nexus.mutate(UPDATE, {"path": "or", "input": {"displayName": "First"}, "expectedVersion": 1})
    answer = await nexus.execute(UPDATE, {"path": "or", "input": {"displayName": "Second"}, "expectedVersion": 1})
    assert answer["updateLevel"] == {
        "level": None,
        "problems": [{"code": "CONFLICT", "path": ["expectedVersion"]}],
        "warnings": [],
    }
    assert (await read(nexus, "or"))["displayName"] == "First"


async def test_a_deleted_level_should_be_gone_with_all_below_it(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN, "or/staging")
    environment_id = (await read(nexus, "or/local"))["id"]
    payload = await nexus.mutate(DELETE, {"path": "or/local"})
    assert payload["deleted"] == environment_id
    assert [await read(nexus, path) for path in ("or/local", "or/local/models", CHURN)] == [None, None, None]
    assert (await read(nexus, "or"))["environments"] == [{"path": "or/staging"}]


async def test_a_path_should_be_free_again_with_a_new_id(nexus: Nexus) -> None:
    old = await declare(nexus, "or")
    await nexus.mutate(DELETE, {"path": "or"})
    assert await declare(nexus, "or") != old


async def test_a_long_kubernetes_name_should_be_cut_and_stay_its_own(nexus: Nexus) -> None:
    long = "a" * 40
    await declare_all(nexus, f"{long}/local/{long}", f"{long}/local/{long}x")
    names = [(await read(nexus, path))["kubernetesName"] for path in (f"{long}/local/{long}", f"{long}/local/{long}x")]
    assert all(len(name) <= 63 for name in names)
    assert names[0] != names[1]


async def test_a_kubernetes_name_of_its_own_should_be_kept(nexus: Nexus) -> None:
    await declare_all(nexus, "or/local")
    await declare(nexus, "or/local/models", kubernetesName="legacy-models")
    assert (await read(nexus, "or/local/models"))["kubernetesName"] == "legacy-models"
