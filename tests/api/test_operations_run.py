"""Running a job now, as far as it can be told without a cluster that answers."""

from typing import Any

import pytest

from nexus_gql.database import next_change, transactional
from nexus_gql.hierarchy import record_running
from nexus_gql.paths import Path

from .hierarchy import configure, declare_deployable, hold
from .server import Nexus

CHURN = "or/local/models/churn"
RUN = """mutation ($path: Path!, $options: OperationOptions) {
  run(path: $path, options: $options) { operation { id kind status steps { name } } problems { code message path remedy } } }"""
DEPLOY = "mutation ($path: Path!) { deploy(path: $path) { operation { id kind } problems { code } } }"
REMOVE = "mutation ($path: Path!) { remove(path: $path) { operation { id } problems { code } } }"
JOB, CRON_JOB = {"workload": "JOB"}, {"workload": "CRON_JOB", "schedule": {"cron": "0 3 * * *"}}


@pytest.fixture(autouse=True)
async def one_application(nexus: Nexus) -> None:
    await declare_deployable(nexus, CHURN)


async def refused(nexus: Nexus, path: str = CHURN, **options: Any) -> Any:
    payload = (await nexus.execute(RUN, {"path": path, "options": options}))["run"]
    assert payload["operation"] is None
    (problem,) = payload["problems"]
    return problem


async def test_what_goes_on_running_should_not_be_run(nexus: Nexus) -> None:
    problem = await refused(nexus)
    assert (problem["code"], problem["path"]) == ("UNSUPPORTED", ["path"])
    assert "DEPLOYMENT" in problem["message"]
    assert "restart" in problem["remedy"]


@pytest.mark.parametrize("settings", [JOB, CRON_JOB], ids=["job", "cron job"])
async def test_a_job_that_was_never_deployed_should_be_deployed_first(nexus: Nexus, settings: dict[str, Any]) -> None:
    await configure(nexus, CHURN, settings)
    problem = await refused(nexus)
    assert (problem["code"], problem["path"]) == ("INVALID", ["path"])
    assert problem["message"] == f"`{CHURN}` is not deployed."
    assert "Deploy it first" in problem["remedy"]


async def test_a_path_that_is_not_there_should_be_said_so(nexus: Nexus) -> None:
    assert (await refused(nexus, f"{CHURN}-not"))["code"] == "NOT_FOUND"


async def deployed(nexus: Nexus, settings: dict[str, Any]) -> Any:
    """An application with a deployment that waits, behind one that another replica is at."""
    await configure(nexus, CHURN, settings)
    await hold(nexus, CHURN)
    waiting = (await nexus.mutate(DEPLOY, {"path": CHURN}))["operation"]
    await applied(nexus.rooms.hierarchy.latest.levels[Path(CHURN)].id)
    return waiting


@transactional
async def applied(application_id: str) -> None:
    """As where a first deployment was applied before."""
    await record_running(application_id, await next_change(), {"revision": 1})


async def test_a_deployment_of_a_job_that_waits_should_be_its_run(nexus: Nexus) -> None:
    waiting = await deployed(nexus, JOB)
    assert (await nexus.mutate(RUN, {"path": CHURN}))["operation"]["id"] == waiting["id"]


async def test_a_run_of_a_cron_job_should_wait_behind_its_deployment(nexus: Nexus) -> None:
    waiting = await deployed(nexus, CRON_JOB)
    first = (await nexus.mutate(RUN, {"path": CHURN}))["operation"]
    second = (await nexus.mutate(RUN, {"path": CHURN}))["operation"]
    assert len({waiting["id"], first["id"], second["id"]}) == 3
    assert (first["kind"], first["status"]) == ("RUN", "PENDING")
    assert [step["name"] for step in first["steps"]] == ["prepare", "check", "apply", "rollout"]
    document = "query ($id: ID!) { operation(id: $id) { status } }"
    for one in (waiting, first):
        assert (await nexus.execute(document, {"id": one["id"]}))["operation"]["status"] == "PENDING"


async def test_what_is_being_taken_away_should_not_be_run(nexus: Nexus) -> None:
    await deployed(nexus, CRON_JOB)
    await nexus.mutate(REMOVE, {"path": CHURN})
    assert (await refused(nexus))["code"] == "CONFLICT"
