"""Clusters that are simulated: registered, lived with, lost and found again; and the cluster that a pod would run in."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from nexus_gql.configuration import Configuration

from .hierarchy import declare
from .server import Frames, Nexus, running

CHURN = "or/local/models/churn"
REGISTER = """mutation ($name: String!, $input: ClusterInput!) { registerCluster(name: $name, input: $input) {
  cluster { name kind } problems { code message path remedy } } }"""
UPDATE = """mutation ($name: String!, $input: ClusterInput!) { updateCluster(name: $name, input: $input) {
  cluster { name kind } problems { code message path remedy } } }"""
REMOVE_CLUSTER = "mutation ($name: String!) { removeCluster(name: $name) { deleted problems { code path } } }"
CLUSTERS = "{ clusters { id name kind version configuration connection { status message } environments { path } } }"
OPERATION = "subscription ($id: ID!) { operation(id: $id) { status message } }"
HEALTH = """subscription ($scope: Path!) { health(scope: $scope) {
  removed upserted { id path state { status message } } } }"""
LOGS = "subscription ($input: LogInput!) { logs(input: $input) { lines { text source { application } } } }"
PODS = """query ($scope: Path!) { pods(scope: $scope) {
  nodes { id name restarts createdAt state { status } } } }"""
ENDED = {"SUCCEEDED", "FAILED", "CANCELLED", "SUPERSEDED"}


async def data(frames: Frames, field: str) -> Any:
    """What the next frame tells."""
    frame = await frames.next()
    assert frame is not None
    return frame[field]


async def succeeded(nexus: Nexus, mutation: str, **variables: Any) -> None:
    """Ask for an operation on `churn` and see it through."""
    declared = "".join(f", ${name}: {kind}" for name, (kind, _) in variables.items())
    given = "".join(f", {name}: ${name}" for name in variables)
    document = f"mutation ($path: Path!{declared}) {{ {mutation}(path: $path{given}) {{ operation {{ id }} problems {{ code message }} }} }}"
    values = {name: value for name, (_, value) in variables.items()}
    operation = (await nexus.mutate(document, {"path": CHURN} | values))["operation"]
    async with nexus.subscribe(OPERATION, {"id": operation["id"]}) as frames:
        while (now := await data(frames, "operation"))["status"] not in ENDED:
            pass
    assert now["status"] == "SUCCEEDED", now["message"]


async def health_is(nexus: Nexus, status: str) -> None:
    """Wait until `churn` is so."""
    async with nexus.subscribe(HEALTH, {"scope": CHURN}) as frames:
        while not any(one["state"]["status"] == status for one in (await data(frames, "health"))["upserted"]):
            pass


async def pods(nexus: Nexus, count: int) -> Any:
    """The pods of `churn`, once they are so many and healthy."""
    async with asyncio.timeout(60):
        while True:
            nodes = (await nexus.execute(PODS, {"scope": CHURN}))["pods"]["nodes"]
            if [one["state"]["status"] for one in nodes] == ["HEALTHY"] * count:
                return sorted(nodes, key=lambda one: str(one["name"]))
            await asyncio.sleep(0.1)


async def deploy(nexus: Nexus, replicas: int = 1) -> None:
    """`churn`, declared and running."""
    await declare(nexus, CHURN, settings={"image": {"repository": "or/churn", "tag": "1.0"}, "replicas": replicas})
    await succeeded(nexus, "deploy")


def folders(nexus: Nexus) -> list[Path]:
    """Where the sandboxes of a server keep what they hold."""
    return sorted((nexus.configuration.folder / "sandboxes").iterdir())


def process(nexus: Nexus) -> int:
    """The only sandbox's process."""
    (folder,) = folders(nexus)
    return int(json.loads((folder / "state.json").read_text())["pid"])


async def test_a_whole_life_should_be_lived_on_a_sandbox(on_sandbox: Nexus) -> None:
    await deploy(on_sandbox)
    await health_is(on_sandbox, "HEALTHY")
    await succeeded(on_sandbox, "scale", replicas=("Int!", 3))
    assert len(await pods(on_sandbox, 3)) == 3
    async with on_sandbox.subscribe(LOGS, {"input": {"scope": CHURN, "tail": 5}}) as frames:
        while not (lines := (await data(frames, "logs"))["lines"]):
            pass
    assert {line["source"]["application"] for line in lines} == {CHURN}
    await succeeded(on_sandbox, "remove")
    await health_is(on_sandbox, "MISSING")


async def test_a_sandbox_should_say_what_it_is_and_keep_its_token(on_sandbox: Nexus) -> None:
    await deploy(on_sandbox)
    (cluster,) = (await on_sandbox.execute(CLUSTERS))["clusters"]
    (folder,) = folders(on_sandbox)
    assert (cluster["name"], cluster["kind"]) == ("local", "SANDBOX")
    assert cluster["version"] == "v1.34.4-nexus-sandbox"
    assert cluster["connection"] == {"status": "CONNECTED", "message": "Connected to `local`."}
    assert cluster["configuration"] == {"sandbox": folder.name}
    assert cluster["environments"] == [{"path": "or/local"}]
    token = json.loads((folder / "state.json").read_text())["token"]
    assert not any(token in text for text in on_sandbox.said)


async def test_what_ran_should_run_when_the_server_starts_again(configuration: Configuration) -> None:
    async with running(configuration) as before:
        await declare(before, "or")
        await declare(before, "or/local", connect={"sandbox": True})
        await declare(before, "or/local/models")
        await deploy(before, 2)
        expected = await pods(before, 2)
    async with running(configuration) as after:
        assert await pods(after, 2) == expected


async def test_a_sandbox_that_is_killed_should_come_back_with_what_it_held(on_sandbox: Nexus) -> None:
    await deploy(on_sandbox, 2)
    expected, killed = await pods(on_sandbox, 2), process(on_sandbox)
    os.kill(killed, signal.SIGKILL)
    # An operation waits for its cluster, so this one goes through when the sandbox is there again.
    await succeeded(on_sandbox, "scale", replicas=("Int!", 3))
    assert process(on_sandbox) != killed
    now = await pods(on_sandbox, 3)
    assert [pod for pod in now if pod in expected] == expected


async def test_each_sandbox_should_be_a_cluster_of_its_own(nexus: Nexus) -> None:
    for name in ("staging", "production"):
        await nexus.mutate(REGISTER, {"name": name, "input": {"sandbox": True}})
    clusters = (await nexus.execute(CLUSTERS))["clusters"]
    assert [one["name"] for one in clusters] == ["production", "staging"]
    assert len(folders(nexus)) == 2


async def test_a_removed_sandbox_should_leave_nothing(nexus: Nexus) -> None:
    await nexus.mutate(REGISTER, {"name": "local", "input": {"sandbox": True}})
    ended = process(nexus)
    await nexus.mutate(REMOVE_CLUSTER, {"name": "local"})
    assert folders(nexus) == []
    with pytest.raises(ProcessLookupError):
        os.kill(ended, 0)


async def test_a_sandbox_that_an_environment_is_on_should_stay(on_sandbox: Nexus) -> None:
    answer = await on_sandbox.execute(REMOVE_CLUSTER, {"name": "local"})
    assert answer["removeCluster"]["problems"] == [{"code": "IN_USE", "path": ["name"]}]
    await deploy(on_sandbox)


async def test_a_registration_that_fails_should_leave_no_sandbox(nexus: Nexus) -> None:
    await nexus.mutate(REGISTER, {"name": "local", "input": {"sandbox": True}})
    answer = await nexus.execute(REGISTER, {"name": "local", "input": {"sandbox": True}})
    assert [one["code"] for one in answer["registerCluster"]["problems"]] == ["ALREADY_EXISTS"]
    assert len(folders(nexus)) == 1


async def test_a_sandbox_whose_files_are_lost_should_say_so_and_be_made_anew(on_sandbox: Nexus) -> None:
    await deploy(on_sandbox)
    (folder,) = folders(on_sandbox)
    folder.rename(on_sandbox.configuration.folder / "lost")
    os.kill(
        int(json.loads((on_sandbox.configuration.folder / "lost" / "state.json").read_text())["pid"]), signal.SIGKILL
    )
    async with asyncio.timeout(60):
        while "files of this sandbox are gone" not in await clusters_message(on_sandbox):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await on_sandbox.mutate(UPDATE, {"name": "local", "input": {"sandbox": True}})
    await health_is(on_sandbox, "MISSING")
    await succeeded(on_sandbox, "deploy")


async def clusters_message(nexus: Nexus) -> str:
    """How the only cluster's connection is doing."""
    (cluster,) = (await nexus.execute(CLUSTERS))["clusters"]
    return str(cluster["connection"]["message"])


async def test_the_environment_should_take_the_sandbox_of_its_name(on_sandbox: Nexus) -> None:
    await declare(on_sandbox, "mdk")
    await declare(on_sandbox, "mdk/local", connect={"sandbox": True})
    (cluster,) = (await on_sandbox.execute(CLUSTERS))["clusters"]
    assert [one["path"] for one in cluster["environments"]] == ["mdk/local", "or/local"]


WRONG = [
    ({"sandbox": False}, "INVALID", ["input", "sandbox"]),
    ({"inCluster": False}, "INVALID", ["input", "inCluster"]),
    ({"inCluster": True}, "UNSUPPORTED", ["input", "inCluster"]),
]


@pytest.mark.parametrize(("given", "code", "path"), WRONG)
async def test_what_is_no_cluster_should_be_refused_where_it_stands(
    nexus: Nexus, given: dict[str, bool], code: str, path: list[str]
) -> None:
    answer = await nexus.execute(REGISTER, {"name": "local", "input": given})
    (problem,) = answer["registerCluster"]["problems"]
    assert (problem["code"], problem["path"]) == (code, path)
    await declare(nexus, "or")
    document = """mutation ($input: CreateEnvironmentInput!) {
      createEnvironment(input: $input) { problems { code path } } }"""
    answer = await nexus.execute(document, {"input": {"project": "or", "name": "local", "connect": given}})
    assert answer["createEnvironment"]["problems"] == [{"code": code, "path": ["input", "connect", *path[1:]]}]
    assert (await nexus.execute(CLUSTERS))["clusters"] == []
