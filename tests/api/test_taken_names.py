"""Two applications of one namespace whose objects would have one name: the later one is refused, and nothing is written over."""

import re
from typing import Any
from uuid import UUID

import pytest

from nexus_gql.workloads.models import Operation

from .deploying import DEPLOY, accepted, deploy, ended, let_go, over, there
from .hierarchy import configure, declare, declare_deployable, hold
from .people import person
from .server import Nexus

CHURN, PODS = "or/local/models/churn", "or/local/models/churn-pods"
STATEFUL = {"workload": "STATEFUL_SET"}


def assert_refused(payload: Any, path: list[str], neighbour: str, what: str = "Service `churn-pods`") -> None:
    assert payload["operation"] is None
    (problem,) = payload["problems"]
    message = f"It would have the {what}, which belongs to another application. It is `{neighbour}`."
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


DATA = "or/local/models/data"


def volumes(*names: str) -> Any:
    return {"volumes": [{"name": name, "mountPath": f"/{name}", "size": "1Gi"} for name in names]}


class TestClaimsOfPods:
    """A StatefulSet `churn` with a volume `data` has the claims `data-churn-0` and on: names that a neighbour's may have, too."""

    @pytest.fixture(autouse=True)
    async def two_applications(self, nexus: Nexus) -> None:
        await declare_deployable(nexus, CHURN, DATA)

    async def test_a_volume_that_is_named_like_them_should_not_be_deployed_beside_them(self, nexus: Nexus) -> None:
        await accepted(nexus, CHURN, patch=STATEFUL | volumes("data"))
        refused = await deploy(nexus, DATA, patch=volumes("x", "churn-7"))
        assert_refused(refused, ["patch", "volumes", "1"], CHURN, "PersistentVolumeClaim `data-churn-7`")

    async def test_pods_should_not_be_deployed_beside_a_volume_that_is_named_like_theirs(self, nexus: Nexus) -> None:
        await accepted(nexus, DATA, patch=volumes("churn-7"))
        refused = await deploy(nexus, CHURN, patch=STATEFUL | volumes("data"))
        assert_refused(refused, ["patch", "volumes", "0"], DATA, "PersistentVolumeClaim `data-churn-7`")

    async def test_pods_of_two_should_not_have_the_same_ones(self, nexus: Nexus) -> None:
        other = "or/local/models/x-churn"
        await declare(nexus, other)
        await accepted(nexus, CHURN, patch=STATEFUL | volumes("data-x"))
        refused = await deploy(nexus, other, patch=STATEFUL | volumes("data"))
        assert_refused(refused, ["patch", "volumes", "0"], CHURN, "PersistentVolumeClaim `data-x-churn-0`")

    @pytest.mark.parametrize("volume", ["churn", "churn-00", "churn-x", "churn-0-x"])
    async def test_what_is_no_pods_number_should_be_in_nobodys_way(self, nexus: Nexus, volume: str) -> None:
        await accepted(nexus, CHURN, patch=STATEFUL | volumes("data"))
        await accepted(nexus, DATA, patch=volumes(volume))

    async def test_who_runs_should_not_suffer_from_what_a_neighbour_is_only_declared_to_become(
        self, nexus: Nexus
    ) -> None:
        await accepted(nexus, DATA, patch=volumes("churn-0"))
        await accepted(nexus, CHURN)
        await configure(nexus, CHURN, STATEFUL | volumes("data"))
        await accepted(nexus, DATA)


class TestWhoMayNotSeeTheNeighbour:
    """Somebody who may deploy `churn-pods` alone, and does not see that there is a `churn`."""

    @pytest.fixture
    async def pat(self, guarded: Nexus) -> str:
        await declare_deployable(guarded, CHURN, PODS)
        await configure(guarded, CHURN, STATEFUL)
        return await person(guarded, "pat", {PODS: "DEPLOYER"})

    @pytest.mark.parametrize("options", [{}, {"dryRun": True}])
    async def test_they_should_be_refused_without_its_path(self, guarded: Nexus, pat: str, options: Any) -> None:
        await accepted(guarded, CHURN)
        answer = await guarded.execute(DEPLOY, {"path": PODS, "options": options}, pat)
        (problem,) = answer["deploy"]["problems"]
        assert problem["message"] == (
            "It would have the Service `churn-pods`, which belongs to another application. You may not see that one."
        )
        assert "another name" in problem["remedy"]
        assert not named(CHURN, answer.text)


ENDS = """query ($id: ID!) { node(id: $id) { ... on Operation {
  status message steps { message } failure { reason message remedy } } } }"""


def named(path: str, text: str) -> bool:
    """Whether a text holds a path, and not only one that begins like it."""
    return re.search(re.escape(path) + r"(?![-a-z0-9])", text) is not None


async def read_by(nexus: Nexus, operation: str, token: str | None) -> tuple[Any, str]:
    """An operation as somebody reads it, and the whole answer."""
    answer = await nexus.execute(ENDS, {"id": operation}, token)
    return answer["node"], answer.text


class TestWhatIsStored:
    """An operation is refused long after who asked for it has gone, and is read by whoever may see its application."""

    @pytest.fixture
    async def shared(self, guarded: Nexus) -> Nexus:
        await declare(guarded, "or", settings={"image": {"repository": "or/model"}})
        await declare(guarded, "or/local", connect={"sandbox": True})
        await declare(guarded, "or/local/models")
        return guarded

    async def assert_fit(self, nexus: Nexus, operation: str, path: str, neighbour: str, reason: str) -> None:
        """Who sees both is told the neighbour; who sees the application alone finds it in no text, nor does any other column."""
        mine, _ = await read_by(nexus, operation, None)
        assert (mine["status"], mine["failure"]["reason"]) == ("FAILED", reason)
        assert mine["failure"]["message"].endswith(f"belongs to another application. It is `{neighbour}`.")
        pat = await person(nexus, "pat", {path: "VIEWER"})
        theirs, text = await read_by(nexus, operation, pat)
        assert theirs["failure"]["message"].endswith("belongs to another application. You may not see that one.")
        assert "another name" in theirs["failure"]["remedy"]
        assert not named(neighbour, text)
        for token, told in ((None, mine), (pat, theirs)):
            assert (await over(nexus, operation, token))["failure"] == told["failure"]
        (row,) = await Operation.filter(id=UUID(operation.partition(":")[2])).values()
        kept = {**row, "failure": {**row["failure"], "holder": None}}
        assert row["failure"]["holder"] == neighbour
        assert not named(neighbour, str(kept))

    async def test_what_the_cluster_refused_should_name_no_neighbour(self, shared: Nexus) -> None:
        first, second = "or/local/models/churn", "or/local/models/churn-a"
        for path, rule in ((first, "a-b"), (second, "b")):
            await declare(shared, path, settings={"ingress": [{"name": rule, "host": f"{rule}.example.org"}]})
        assert (await ended(shared, first))["status"] == "SUCCEEDED"
        operation = await accepted(shared, second)
        await over(shared, operation)
        await self.assert_fit(shared, operation, second, first, "NameTaken")

    async def test_what_was_declared_while_it_waited_should_name_no_neighbour(self, shared: Nexus) -> None:
        for path in (CHURN, PODS):
            await declare(shared, path)
        assert (await ended(shared, PODS))["status"] == "SUCCEEDED"
        await hold(shared, CHURN)
        operation = await accepted(shared, CHURN)
        await configure(shared, CHURN, STATEFUL)
        await let_go(shared, CHURN)
        await over(shared, operation)
        await self.assert_fit(shared, operation, CHURN, PODS, "CONFLICT")


async def assert_taken(
    nexus: Nexus, path: str, what: str, neighbour: str, *, recreate: bool = False, **more: Any
) -> None:
    """The cluster shows that a neighbour has it: said by a dry run, and by an operation, and takeOver changes nothing."""
    message = f"{what} in `or-local-models` belongs to another application. It is `{neighbour}`."
    for options in ({"recreate": recreate}, {"recreate": recreate, "takeOver": True}):
        (problem,) = (await deploy(nexus, path, options={**options, "dryRun": True}, **more))["problems"]
        assert (problem["code"], problem["path"], problem["message"]) == ("CONFLICT", ["path"], message)
        end = await ended(nexus, path, options=options, **more)
        assert (end["status"], end["failure"]["reason"], end["failure"]["message"]) == ("FAILED", "NameTaken", message)
        assert "another name" in end["failure"]["remedy"]


async def test_what_only_the_cluster_shows_should_be_refused_there_whatever_is_said(on_sandbox: Nexus) -> None:
    """`churn` with a rule `a-b` and `churn-a` with a rule `b`: the Ingress went from one to the other at each deployment."""
    first, second = "or/local/models/churn", "or/local/models/churn-a"
    for path, rule in ((first, "a-b"), (second, "b")):
        await declare(on_sandbox, path, settings=IMAGE | {"ingress": [{"name": rule, "host": f"{rule}.example.org"}]})
    assert (await ended(on_sandbox, first))["status"] == "SUCCEEDED"
    before = await there(on_sandbox, "Ingress", "churn-a-b")
    await assert_taken(on_sandbox, second, "Ingress `churn-a-b`", first)
    after = await there(on_sandbox, "Ingress", "churn-a-b")
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["spec"] == before["spec"]
    assert (await ended(on_sandbox, first))["status"] == "SUCCEEDED"


IMAGE = {"image": {"repository": "or/model"}}


class TestClaimsOnTheCluster:
    """A pod of a StatefulSet takes a claim that is there, whoever made it. So what runs is looked at, too."""

    @pytest.fixture(autouse=True)
    async def two_applications(self, on_sandbox: Nexus) -> None:
        for path in (CHURN, DATA):
            await declare(on_sandbox, path, settings=IMAGE)

    async def test_a_volume_should_not_be_called_as_a_pod_that_may_yet_come(self, on_sandbox: Nexus) -> None:
        assert (await ended(on_sandbox, CHURN, patch=STATEFUL | volumes("data")))["status"] == "SUCCEEDED"
        assert (await ended(on_sandbox, DATA))["status"] == "SUCCEEDED"
        claim = "PersistentVolumeClaim `data-churn-1`"
        await assert_taken(on_sandbox, DATA, claim, CHURN, patch=volumes("churn-1"))
        assert await there(on_sandbox, "PersistentVolumeClaim", "data-churn-1") is None

    async def test_pods_should_not_come_to_a_volume_that_is_there(self, on_sandbox: Nexus) -> None:
        assert (await ended(on_sandbox, DATA, patch=volumes("churn-1")))["status"] == "SUCCEEDED"
        assert (await ended(on_sandbox, CHURN))["status"] == "SUCCEEDED"
        claim = "PersistentVolumeClaim `data-churn-1`"
        await assert_taken(on_sandbox, CHURN, claim, DATA, recreate=True, patch=STATEFUL | volumes("data"))
        assert await there(on_sandbox, "StatefulSet", "churn") is None

    async def test_what_a_removal_has_kept_should_not_be_taken_by_a_neighbour(self, on_sandbox: Nexus) -> None:
        assert (await ended(on_sandbox, CHURN, patch=STATEFUL | volumes("data")))["status"] == "SUCCEEDED"
        await over(on_sandbox, (await on_sandbox.mutate(REMOVE, {"path": CHURN}))["operation"]["id"])
        await assert_taken(on_sandbox, DATA, "PersistentVolumeClaim `data-churn-0`", CHURN, patch=volumes("churn-0"))

    async def test_who_was_made_anew_should_find_its_claims_again(self, on_sandbox: Nexus) -> None:
        assert (await ended(on_sandbox, CHURN, patch=STATEFUL | volumes("data")))["status"] == "SUCCEEDED"
        before = await there(on_sandbox, "PersistentVolumeClaim", "data-churn-0")
        await over(on_sandbox, (await on_sandbox.mutate(DELETE, {"path": CHURN}))["operation"]["id"])
        await declare(on_sandbox, CHURN, settings=IMAGE | STATEFUL | volumes("data"))
        assert (await ended(on_sandbox, CHURN))["status"] == "SUCCEEDED"
        after = await there(on_sandbox, "PersistentVolumeClaim", "data-churn-0")
        assert after["metadata"]["uid"] == before["metadata"]["uid"]


REMOVE = "mutation ($path: Path!) { remove(path: $path) { operation { id } problems { code message } } }"
DELETE = "mutation ($path: Path!) { deleteLevel(path: $path, remove: true) { operation { id } problems { message } } }"
