"""What cannot change while it is there: refused in plain words, and made anew only when somebody says so. Volumes always stay."""

from typing import Any

import pytest

from .deploying import deploy, ended, let_go, over, there
from .hierarchy import configure, declare, hold, value
from .server import Nexus

CHURN = "or/local/models/churn"
STATEFUL = {"workload": "STATEFUL_SET"}
VOLUME = {"name": "data", "mountPath": "/data", "size": "1Gi"}
DATA = {"volumes": [VOLUME]}
SAYS = "Kubernetes says: "
DO = """mutation ($path: Path!) { done: %s(path: $path) { operation { id } problems { code path message } } }"""


@pytest.fixture(autouse=True)
async def an_application(on_sandbox: Nexus) -> None:
    await declare(on_sandbox, CHURN, settings={"image": {"repository": "or/model"}})


async def deployed(nexus: Nexus, **more: Any) -> None:
    end = await ended(nexus, CHURN, **more)
    assert end["status"] == "SUCCEEDED", end


async def refused(nexus: Nexus, **more: Any) -> Any:
    payload = await deploy(nexus, CHURN, **more)
    assert payload["operation"] is None
    (problem,) = payload["problems"]
    return problem


async def uid(nexus: Nexus, kind: str, name: str = "churn") -> str | None:
    found = await there(nexus, kind, name)
    return None if found is None else str(found["metadata"]["uid"])


class TestAnotherKind:
    """A Deployment went before the StatefulSet that took its place was up, and nobody had said that it may."""

    @pytest.mark.parametrize("dry_run", [True, False])
    async def test_it_should_be_refused_at_once_and_nothing_be_stored(self, on_sandbox: Nexus, dry_run: bool) -> None:
        await deployed(on_sandbox)
        before = await uid(on_sandbox, "Deployment")
        problem = await refused(on_sandbox, patch={"replicas": 2} | STATEFUL, options={"dryRun": dry_run})
        assert (problem["code"], problem["path"]) == ("INVALID", ["patch", "workload"])
        assert "runs as a DEPLOYMENT and would be made anew as a STATEFUL_SET" in problem["message"]
        assert "recreate" in problem["remedy"]
        assert (await value(on_sandbox, CHURN, "replicas"))["value"] == 1
        assert (before, await uid(on_sandbox, "StatefulSet")) == (await uid(on_sandbox, "Deployment"), None)

    async def test_it_should_be_refused_as_it_was_declared_before(self, on_sandbox: Nexus) -> None:
        await deployed(on_sandbox)
        await configure(on_sandbox, CHURN, STATEFUL)
        assert (await refused(on_sandbox))["path"] == ["path"]

    async def test_it_should_come_when_somebody_says_so_and_be_left_alone_after_that(self, on_sandbox: Nexus) -> None:
        await deployed(on_sandbox)
        await deployed(on_sandbox, patch=STATEFUL, options={"recreate": True})
        assert await uid(on_sandbox, "Deployment") is None
        made = await uid(on_sandbox, "StatefulSet")
        await deployed(on_sandbox)
        assert made is not None
        assert await uid(on_sandbox, "StatefulSet") == made

    async def test_it_should_need_nothing_once_it_was_taken_away(self, on_sandbox: Nexus) -> None:
        await deployed(on_sandbox)
        await over(on_sandbox, (await on_sandbox.mutate(DO % "remove", {"path": CHURN}))["operation"]["id"])
        await deployed(on_sandbox, patch=STATEFUL)

    async def test_it_should_be_refused_where_it_was_declared_while_a_deployment_waited(
        self, on_sandbox: Nexus
    ) -> None:
        await deployed(on_sandbox)
        before = await uid(on_sandbox, "Deployment")
        await hold(on_sandbox, CHURN)
        operation = (await deploy(on_sandbox, CHURN))["operation"]["id"]
        await configure(on_sandbox, CHURN, STATEFUL)
        await let_go(on_sandbox, CHURN)
        end = await over(on_sandbox, operation)
        assert (end["status"], end["failure"]["reason"]) == ("FAILED", "Immutable")
        assert "recreate" in end["failure"]["remedy"]
        assert (before, await uid(on_sandbox, "StatefulSet")) == (await uid(on_sandbox, "Deployment"), None)

    async def test_what_runs_should_be_restarted_whatever_it_is_declared_to_become(self, on_sandbox: Nexus) -> None:
        await deployed(on_sandbox)
        await configure(on_sandbox, CHURN, {"workload": "JOB"})
        payload = await on_sandbox.mutate(DO % "restart", {"path": CHURN})
        assert (await over(on_sandbox, payload["operation"]["id"]))["status"] == "SUCCEEDED"
        (problem,) = (await on_sandbox.execute(DO % "run", {"path": CHURN}))["done"]["problems"]
        assert problem["code"] == "UNSUPPORTED"


class TestVolumes:
    """A StatefulSet's cannot change while it is there, and of a claim hardly anything can."""

    async def test_those_of_a_stateful_set_should_be_named_by_their_setting(self, on_sandbox: Nexus) -> None:
        await deployed(on_sandbox, patch=STATEFUL)
        problem = await refused(on_sandbox, patch=DATA, options={"dryRun": True})
        assert (problem["code"], problem["path"]) == ("INVALID", ["patch", "volumes", "0"])
        end = await ended(on_sandbox, CHURN, patch=DATA)
        assert (end["status"], end["failure"]["reason"]) == ("FAILED", "Immutable")
        for said in (problem["message"], end["failure"]["message"]):
            plain, _, original = said.partition(SAYS)
            assert plain == "`volumes.data` cannot change while the StatefulSet `churn` is there. "
            assert "updates to statefulset spec" in original
        assert "recreate" in problem["remedy"]
        await deployed(on_sandbox, options={"recreate": True})

    async def test_one_that_is_there_should_keep_its_data_even_with_recreate(self, on_sandbox: Nexus) -> None:
        """With recreate the claim was deleted, and with it all that was in the volume."""
        await deployed(on_sandbox, patch=DATA)
        before = await uid(on_sandbox, "PersistentVolumeClaim", "churn-data")
        patch = {"volumes": [VOLUME | {"storageClass": "other"}]}
        problem = await refused(on_sandbox, patch=patch, options={"recreate": True, "dryRun": True})
        assert problem["path"] == ["patch", "volumes", "0"]
        end = await ended(on_sandbox, CHURN, patch=patch, options={"recreate": True})
        assert (end["status"], end["failure"]["reason"]) == ("FAILED", "Immutable")
        assert end["failure"]["message"].startswith("`volumes.data` cannot change")
        assert "another name" in end["failure"]["remedy"]
        assert before is not None
        assert await uid(on_sandbox, "PersistentVolumeClaim", "churn-data") == before
