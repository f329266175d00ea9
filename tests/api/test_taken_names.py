"""Two applications of one namespace whose objects would have one name: the later one is refused, and nothing is written over."""

from typing import Any

import pytest

from nexus_gql.workloads.apply import read

from .hierarchy import configure, declare, declare_deployable
from .server import Nexus

CHURN, PODS = "or/local/models/churn", "or/local/models/churn-pods"
STATEFUL = {"workload": "STATEFUL_SET"}

DEPLOY = """mutation ($path: Path!, $patch: SettingsPatch, $options: OperationOptions) {
  deploy(path: $path, patch: $patch, options: $options) {
    operation { id } problems { code path message remedy } } }"""
FOLLOW = "subscription ($id: ID!) { operation(id: $id) { status failure { reason message remedy } } }"


async def deploy(nexus: Nexus, path: str, **more: Any) -> Any:
    return (await nexus.execute(DEPLOY, {"path": path, **more}))["deploy"]


async def accepted(nexus: Nexus, path: str, **more: Any) -> str:
    payload = await deploy(nexus, path, **more)
    assert payload["problems"] == []
    return str(payload["operation"]["id"])


async def ended(nexus: Nexus, path: str, **more: Any) -> Any:
    """A deployment at its end."""
    last: Any = None
    async with nexus.subscribe(FOLLOW, {"id": await accepted(nexus, path, **more)}) as frames:
        while (frame := await frames.next()) is not None:
            last = frame["operation"]
    return last


def assert_refused(payload: Any, path: list[str], neighbour: str) -> None:
    assert payload["operation"] is None
    (problem,) = payload["problems"]
    message = f"It would have the Service `churn-pods`, which belongs to the application `{neighbour}`."
    assert (problem["code"], problem["path"], problem["message"]) == ("CONFLICT", path, message)
    assert "another name" in problem["remedy"]


class TestServicesOfPods:
    """A StatefulSet `churn` has a Service `churn-pods`. That is seen before any cluster is asked."""

    @pytest.fixture(autouse=True)
    async def two_applications(self, nexus: Nexus) -> None:
        await declare_deployable(nexus, CHURN, PODS)

    async def test_who_is_named_like_them_should_not_be_deployed_beside_them(self, nexus: Nexus) -> None:
        await accepted(nexus, CHURN, patch=STATEFUL)
        assert_refused(await deploy(nexus, PODS), ["path"], CHURN)

    async def test_a_neighbour_should_not_become_a_stateful_set_beside_one_named_like_them(self, nexus: Nexus) -> None:
        await accepted(nexus, PODS)
        await accepted(nexus, CHURN)
        assert_refused(await deploy(nexus, CHURN, patch=STATEFUL), ["patch", "workload"], PODS)

    async def test_it_should_not_be_deployed_as_it_was_declared_before(self, nexus: Nexus) -> None:
        await configure(nexus, CHURN, STATEFUL)
        await accepted(nexus, PODS)
        assert_refused(await deploy(nexus, CHURN), ["path"], PODS)

    async def test_who_runs_should_not_suffer_from_what_a_neighbour_is_only_declared_to_become(
        self, nexus: Nexus
    ) -> None:
        await accepted(nexus, PODS)
        await accepted(nexus, CHURN)
        await configure(nexus, CHURN, STATEFUL)
        await accepted(nexus, PODS)

    async def test_a_neighbour_without_a_service_should_be_in_nobodys_way(self, nexus: Nexus) -> None:
        await accepted(nexus, PODS, patch={"workload": "JOB"})
        await accepted(nexus, CHURN, patch=STATEFUL)


async def claim(nexus: Nexus) -> Any:
    cluster = nexus.rooms.fleet.named("local")
    assert cluster is not None
    link = nexus.rooms.fleet.link(str(cluster.id))
    assert link is not None
    found = await read(await link.connected(), "PersistentVolumeClaim", "or-local-models", "churn-a-b")
    assert found is not None
    return found


async def test_what_only_the_cluster_shows_should_be_refused_there_whatever_is_said(on_sandbox: Nexus) -> None:
    """`churn` with a volume `a-b` and `churn-a` with a volume `b`: the claim went from one to the other at each deployment."""
    first, second = "or/local/models/churn", "or/local/models/churn-a"
    image = {"image": {"repository": "or/model"}}
    for path, volume in ((first, "a-b"), (second, "b")):
        volumes = [{"name": volume, "mountPath": "/data", "size": "1Gi"}]
        await declare(on_sandbox, path, settings={**image, "volumes": volumes})
    assert (await ended(on_sandbox, first))["status"] == "SUCCEEDED"
    before = await claim(on_sandbox)

    message = f"PersistentVolumeClaim `churn-a-b` in `or-local-models` belongs to the application `{first}`."
    for options in ({}, {"takeOver": True}):
        (problem,) = (await deploy(on_sandbox, second, options={**options, "dryRun": True}))["problems"]
        assert (problem["code"], problem["path"], problem["message"]) == ("CONFLICT", ["path"], message)
        end = await ended(on_sandbox, second, options=options)
        assert (end["status"], end["failure"]["reason"], end["failure"]["message"]) == ("FAILED", "NameTaken", message)
        assert "another name" in end["failure"]["remedy"]
    after = await claim(on_sandbox)
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["spec"] == before["spec"]
    assert (await ended(on_sandbox, first))["status"] == "SUCCEEDED"
