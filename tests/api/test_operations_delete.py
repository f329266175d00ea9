"""Deleting a level with what runs below it: as far as it can be told without a cluster that answers, and on a sandbox."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path as File
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from nexus_gql import clock
from nexus_gql.workloads import OperationKind, OperationStatus
from nexus_gql.workloads.models import Operation

from .hierarchy import (
    CREATE_APPLICATION,
    CREATE_ENVIRONMENT,
    CREATE_NAMESPACE,
    PROBLEMS,
    configure,
    declare,
    declare_deployable,
    hold,
)
from .people import person
from .sandboxed import Sandbox, running
from .server import Nexus

CHURN, FRONT = "or/local/models/churn", "or/local/models/front"
DELETE = """mutation ($path: Path!, $remove: Boolean, $options: OperationOptions) {
  deleteLevel(path: $path, remove: $remove, options: $options) {
    deleted problems { code message path remedy } warnings { code message path }
    operation { id kind status path progress application { path } cluster { name }
      steps { name } children { id kind path parent { path kind } } } } }"""
DEPLOY = "mutation ($path: Path!) { deploy(path: $path) { operation { id } problems { code message path } } }"
REMOVE = "mutation ($path: Path!) { remove(path: $path) { operation { id } problems { code } } }"
CANCEL = "mutation ($id: ID!) { cancelOperation(id: $id) { operation { status message } problems { code } } }"
FIND = """query ($id: ID!) { operation(id: $id) { status message progress failure { reason message remedy }
  path application { path } steps { name status message } children { path status message } } }"""
FOLLOW = "subscription ($id: ID!) { operation(id: $id) { status } }"
LEVEL = "query ($path: Path!) { level(path: $path) { path } }"

CLONE = f"""mutation ($path: Path!, $name: String!) {{
  cloneEnvironment(path: $path, name: $name) {{ environment {{ path }} {PROBLEMS} }} }}"""
MAKING: list[tuple[str, dict[str, Any], list[str]]] = [
    (CREATE_APPLICATION, {"input": {"namespace": "or/local/models", "name": "new"}}, ["input", "namespace"]),
    (CREATE_NAMESPACE, {"input": {"environment": "or/local", "name": "new"}}, ["input", "environment"]),
    (
        CREATE_ENVIRONMENT,
        {"input": {"project": "or", "name": "new", "connect": {"sandbox": True}}},
        ["input", "project"],
    ),
    (CLONE, {"path": "or/local", "name": "copy"}, ["path"]),
]


async def found(nexus: Nexus, operation: Any) -> Any:
    return (await nexus.execute(FIND, {"id": operation["id"]}))["operation"]


async def ended(nexus: Nexus, operation: Any) -> Any:
    """The operation at its end."""
    async with nexus.subscribe(FOLLOW, {"id": operation["id"]}) as frames:
        while await frames.next() is not None:
            pass
    return await found(nexus, operation)


async def delete(nexus: Nexus, path: str, **more: Any) -> Any:
    return (await nexus.mutate(DELETE, {"path": path, "remove": True, **more}))["operation"]


async def refused(nexus: Nexus, path: str, **more: Any) -> Any:
    payload = (await nexus.execute(DELETE, {"path": path, **more}))["deleteLevel"]
    assert (payload["deleted"], payload["operation"]) == (None, None)
    (problem,) = payload["problems"]
    return problem


class TestWithoutACluster:
    """What is asked for waits."""

    @pytest.fixture(autouse=True)
    async def two_applications(self, nexus: Nexus) -> None:
        await declare_deployable(nexus, CHURN, FRONT)
        await configure(nexus, FRONT, {"dependsOn": [{"ref": "churn", "need": "REQUIRED"}]})
        for path in (CHURN, FRONT):
            await hold(nexus, path)
            await nexus.mutate(DEPLOY, {"path": path})

    async def test_its_parts_should_be_told_who_needs_others_first(self, nexus: Nexus) -> None:
        made = await delete(nexus, "or/local")
        assert (made["kind"], made["path"], made["application"]) == ("DELETE", "or/local", None)
        assert made["cluster"] == {"name": "dead"}
        assert [step["name"] for step in made["steps"]] == ["remove", "namespaces", "levels"]
        assert [(part["kind"], part["path"]) for part in made["children"]] == [("REMOVE", FRONT), ("REMOVE", CHURN)]
        assert all(part["parent"] == {"path": "or/local", "kind": "DELETE"} for part in made["children"])

    async def test_what_runs_should_keep_its_level_unless_that_is_said(self, nexus: Nexus) -> None:
        problem = await refused(nexus, "or/local")
        assert (problem["code"], problem["path"]) == ("IN_USE", ["path"])
        assert "remove: true" in problem["remedy"]

    async def test_nothing_should_be_deployed_below_meanwhile(self, nexus: Nexus) -> None:
        made = await delete(nexus, "or/local")
        payload = (await nexus.execute(DEPLOY, {"path": CHURN}))["deploy"]
        (problem,) = payload["problems"]
        assert (problem["code"], problem["path"]) == ("CONFLICT", ["path"])
        assert made["id"].partition(":")[2] in problem["message"]

    @pytest.mark.parametrize(("document", "given", "at"), MAKING)
    async def test_nothing_should_be_made_below_meanwhile(
        self, nexus: Nexus, document: str, given: dict[str, Any], at: list[str]
    ) -> None:
        """It went with the level, and nobody was told."""
        made = await delete(nexus, "or")
        clusters = "{ clusters { name } }"
        before = (await nexus.execute(clusters)).text
        (payload,) = ((await nexus.execute(document, given)).data or {}).values()
        (problem,) = payload["problems"]
        assert (problem["code"], problem["path"]) == ("CONFLICT", at)
        assert made["id"].partition(":")[2] in problem["message"]
        assert (await nexus.execute(clusters)).text == before
        await nexus.mutate(CANCEL, {"id": made["id"]})
        await ended(nexus, made)
        await nexus.mutate(document, given)

    async def test_beside_it_levels_should_be_made_as_ever(self, nexus: Nexus) -> None:
        await delete(nexus, "or/local/models")
        await declare(nexus, "or/local/data")
        await nexus.mutate(CLONE, {"path": "or/local", "name": "copy"})

    @pytest.mark.parametrize("path", ["or", "or/local", "or/local/models", CHURN])
    async def test_it_should_not_be_asked_for_twice(self, nexus: Nexus, path: str) -> None:
        await delete(nexus, "or/local")
        assert (await refused(nexus, path, remove=True))["code"] == "CONFLICT"

    async def test_cancelling_it_should_cancel_its_parts_and_let_others_deploy_again(self, nexus: Nexus) -> None:
        made = await delete(nexus, "or/local")
        await nexus.mutate(CANCEL, {"id": made["id"]})
        end = await ended(nexus, made)
        assert (end["status"], {part["status"] for part in end["children"]}) == ("CANCELLED", {"CANCELLED"})
        await nexus.mutate(DEPLOY, {"path": CHURN})
        assert (await nexus.execute(LEVEL, {"path": "or/local"}))["level"] == {"path": "or/local"}

    async def test_a_dry_run_should_change_nothing(self, nexus: Nexus) -> None:
        assert await delete(nexus, "or/local", options={"dryRun": True}) is None
        await delete(nexus, "or/local")

    async def test_the_same_request_should_be_the_same_operation(self, nexus: Nexus) -> None:
        options = {"requestId": "once"}
        first = await delete(nexus, "or/local", options=options)
        assert (await delete(nexus, "or/local", options=options))["id"] == first["id"]
        problem = await refused(nexus, "or", remove=True, options=options)
        assert (problem["code"], problem["path"]) == ("CONFLICT", ["options", "requestId"])

    @pytest.mark.parametrize("remove", [False, True])
    async def test_another_version_than_expected_should_be_refused(self, nexus: Nexus, remove: bool) -> None:
        problem = await refused(nexus, "or/local", remove=remove, options={"expectedVersion": 7})
        assert (problem["code"], problem["path"]) == ("CONFLICT", ["options", "expectedVersion"])

    async def test_an_application_should_be_deleted_by_a_part_of_its_own(self, nexus: Nexus) -> None:
        made = await delete(nexus, CHURN)
        assert [part["path"] for part in made["children"]] == [CHURN]


async def test_where_nothing_was_ever_deployed_no_cluster_should_be_asked(nexus: Nexus) -> None:
    await declare_deployable(nexus, CHURN)
    end = await ended(nexus, made := await delete(nexus, "or", options={"requestId": "once"}))
    assert (end["status"], end["path"], end["progress"]) == ("SUCCEEDED", "or", 1)
    assert (await nexus.execute("{ projects { path } }"))["projects"] == []
    assert (await delete(nexus, "or", options={"requestId": "once"}))["id"] == made["id"]


async def test_it_should_stay_readable_for_those_who_could_see_it_before(guarded: Nexus) -> None:
    await declare_deployable(guarded, CHURN)
    await declare(guarded, "or/other")
    near = await person(guarded, "near", {"or/local": "VIEWER"})
    far = await person(guarded, "far", {"or/other": "VIEWER"})
    made = await delete(guarded, "or/local")
    async with guarded.subscribe(FOLLOW, {"id": made["id"]}) as frames:
        while await frames.next() is not None:
            pass
    document = "query ($id: ID!) { operation(id: $id) { status path application { path } cluster { name } } }"
    seen = (await guarded.execute(document, {"id": made["id"]}, near))["operation"]
    assert seen == {"status": "SUCCEEDED", "path": "or/local", "application": None, "cluster": None}
    assert (await guarded.execute(document, {"id": made["id"]}, far)).data == {"operation": None}


class TestOnAClusterThatIsGone:
    """Nothing can be taken off it, and nobody is bound to it for ever."""

    @pytest.fixture(autouse=True)
    async def an_application(self, nexus: Nexus) -> None:
        await declare_deployable(nexus, CHURN)
        await nexus.mutate(DEPLOY, {"path": CHURN})

    async def test_a_level_should_go_without_removal_once_that_was_tried_in_vain(self, nexus: Nexus) -> None:
        assert (await refused(nexus, "or"))["code"] == "IN_USE"
        end = await given_up(nexus, "or")
        assert (end["status"], end["failure"]["reason"]) == ("FAILED", "ClusterUnreachable")
        assert "ask for it without `remove`" in end["failure"]["remedy"]

        message = f"What there was of `{CHURN}` on the cluster `dead` stays there, and Nexus knows of it no more."
        for options in ({"dryRun": True}, {}):
            payload = await nexus.mutate(DELETE, {"path": "or", "options": options})
            assert [one["message"] for one in payload["warnings"]] == [message]
            assert (payload["deleted"] is None) == ("dryRun" in options)
        assert (await nexus.execute(LEVEL, {"path": "or"}))["level"] is None
        removed = await nexus.mutate('mutation { removeCluster(name: "dead") { deleted problems { code } } }')
        assert removed["deleted"] is not None

    async def test_what_was_deployed_since_should_keep_its_level(self, nexus: Nexus) -> None:
        await tried_in_vain(clock.now())
        await nexus.mutate(DEPLOY, {"path": CHURN})
        assert (await refused(nexus, "or/local"))["code"] == "IN_USE"

    async def test_a_trial_of_long_ago_should_not_count(self, nexus: Nexus) -> None:
        long_ago = clock.now() - timedelta(days=2)
        await Operation.all().update(created_at=long_ago)
        await tried_in_vain(long_ago)
        assert (await refused(nexus, "or/local"))["code"] == "IN_USE"

    async def test_a_cluster_that_answers_again_should_have_it_taken_off(self, nexus: Nexus) -> None:
        await tried_in_vain(clock.now())
        assert (await nexus.mutate(DELETE, {"path": CHURN, "options": {"dryRun": True}}))["warnings"] != []
        await nexus.mutate(
            'mutation { updateCluster(name: "dead", input: { sandbox: true }) { problems { message } } }'
        )
        await connected(nexus)
        assert (await refused(nexus, CHURN))["code"] == "IN_USE"


async def tried_in_vain(at: datetime) -> None:
    """A deletion of `or/local` that was given up."""
    await Operation.create(
        id=uuid4(),
        path="or/local",
        kind=OperationKind.DELETE,
        status=OperationStatus.FAILED,
        failure={"reason": "ClusterUnreachable", "message": "", "remedy": None, "logs": []},
        number=0,
        requested_by="me",
        created_at=at,
    )


async def connected(nexus: Nexus) -> None:
    """Once the cluster answers."""
    row = nexus.rooms.fleet.named("dead")
    assert row is not None
    link = nexus.rooms.fleet.link(str(row.id))
    assert link is not None
    await link.wait_until_connected()


async def given_up(nexus: Nexus, path: str) -> Any:
    """A deletion that has waited for its cluster as long as operations do; here its part began long ago."""
    made = await delete(nexus, path)
    (part,) = made["children"]
    async with nexus.subscribe("subscription ($id: ID!) { operation(id: $id) { status startedAt } }", part) as frames:
        while (frame := await frames.next()) is not None and frame["operation"]["startedAt"] is None:
            pass
    await Operation.filter(kind=OperationKind.REMOVE).update(started_at=clock.now() - timedelta(hours=1))
    return await ended(nexus, made)


async def test_a_dry_run_of_a_plain_deletion_should_change_nothing(nexus: Nexus) -> None:
    await declare_deployable(nexus, CHURN)
    payload = await nexus.mutate(DELETE, {"path": "or", "options": {"dryRun": True}})
    assert (payload["deleted"], payload["operation"]) == (None, None)
    assert (await nexus.execute(LEVEL, {"path": CHURN}))["level"] == {"path": CHURN}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """One for the tests below, each in a Kubernetes namespace of its own."""
    async with running(File(tmp_path_factory.mktemp("sandbox")), seed=12) as one:
        yield one


class TestOnASandbox:
    """What becomes of it."""

    @pytest.fixture
    async def place(self, nexus: Nexus, sandbox: Sandbox) -> str:
        """The Kubernetes namespace of `or/local/models`, in which `front` needs `churn`, and both are up."""
        register = """mutation ($content: String!) {
          registerCluster(name: "sandbox", input: { kubeconfig: { content: $content } }) { problems { message } } }"""
        await nexus.mutate(register, {"content": sandbox.kubeconfig})
        await declare(nexus, "or", settings={"image": {"repository": "or/model"}})
        await declare(nexus, "or/local", cluster="sandbox")
        place = f"delete-{uuid4().hex[:8]}"
        await declare(nexus, "or/local/models", kubernetesName=place)
        await declare(nexus, CHURN)
        await declare(nexus, FRONT, settings={"dependsOn": [{"ref": "churn", "need": "REQUIRED"}]})
        for path in (CHURN, FRONT):
            end = await ended(nexus, (await nexus.mutate(DEPLOY, {"path": path}))["operation"])
            assert end["status"] == "SUCCEEDED", end
        return place

    async def test_a_part_that_fails_should_leave_the_level_whole_until_it_is_asked_for_again(
        self, nexus: Nexus, sandbox: Sandbox, place: str
    ) -> None:
        path = f"/apis/apps/v1/namespaces/{place}/deployments/front"
        await annotate(sandbox, path, "99")
        end = await ended(nexus, await delete(nexus, "or/local"))
        assert end["status"] == "FAILED", end
        assert end["failure"]["reason"] == "Overtaken"
        assert all(f"`{one}`" in end["failure"]["message"] for one in (FRONT, CHURN))
        assert {part["path"]: part["status"] for part in end["children"]} == {FRONT: "FAILED", CHURN: "CANCELLED"}
        assert (await nexus.execute(LEVEL, {"path": CHURN}))["level"] == {"path": CHURN}
        assert await sandbox.get(f"/apis/apps/v1/namespaces/{place}/deployments/churn") is not None

        await annotate(sandbox, path, "1")
        end = await ended(nexus, await delete(nexus, "or/local"))
        assert end["status"] == "SUCCEEDED", end
        assert await sandbox.get(f"/api/v1/namespaces/{place}") is None

    async def test_a_namespace_with_something_of_others_in_it_should_stay(
        self, nexus: Nexus, sandbox: Sandbox, place: str
    ) -> None:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "others"}}
        await sandbox.make(f"/api/v1/namespaces/{place}/configmaps", body)
        end = await ended(nexus, await delete(nexus, "or"))
        assert end["status"] == "SUCCEEDED", end
        (said,) = (step["message"] for step in end["steps"] if step["name"] == "namespaces")
        assert said == f"`{place}` stays: there is ConfigMap `others` in it."
        assert await sandbox.get(f"/api/v1/namespaces/{place}/configmaps/others") is not None

    async def test_a_removal_that_takes_a_parts_place_should_count_as_it(
        self, nexus: Nexus, sandbox: Sandbox, place: str
    ) -> None:
        made = await delete(nexus, "or/local")
        await nexus.mutate(REMOVE, {"path": CHURN})
        end = await ended(nexus, made)
        assert end["status"] == "SUCCEEDED", end
        assert (await nexus.execute('{ projects { path } level(path: "or/local") { path } }')).data == {
            "projects": [{"path": "or"}],
            "level": None,
        }


async def annotate(sandbox: Sandbox, path: str, number: str) -> None:
    """Let an object say that a later operation wrote it."""
    body = {"metadata": {"annotations": {"nexus.optimal-reality.io/operation": number}}}
    headers = {"Content-Type": "application/merge-patch+json"}
    async with httpx.AsyncClient(trust_env=False) as client:
        (await client.patch(sandbox.server + path, json=body, headers=headers)).raise_for_status()
