"""What a new user does, from the first deployment to the removal; kubectl sees the same at every step."""

from typing import Any

from tests.cluster.feeds import Feed
from tests.cluster.nexus import until
from tests.cluster.place import Object, Place

PODS = """
subscription ($scope: Path!) {
  pods(scope: $scope) {
    kind position complete removed sources { cluster connection { status } }
    upserted { id name ready restarts state { status reason message } containers { image state } }
  }
}
"""
HEALTH = """
subscription ($scope: Path!) {
  health(scope: $scope) {
    kind position complete removed summary { status healthy degraded progressing missing }
    upserted { id path serving state { status reason message } }
  }
}
"""
LOGS = """
subscription ($input: LogInput!) {
  logs(input: $input) {
    lines { at text source { pod container application } } cursor gaps { reason message } opened { pod } closed { pod }
  }
}
"""
EVENTS = "subscription ($scope: Path!) { events(scope: $scope) { events { id reason message object { kind name } } cursor } }"
OPERATION = "subscription ($id: ID!) { operation(id: $id) { id status message progress } }"


def all_are(feed: Feed, count: int, status: str) -> bool:
    return len(feed.items) == count and {one["state"]["status"] for one in feed.items.values()} == {status}


async def test_deployment_should_come_up_before_somebodys_eyes(place: Place) -> None:
    path = await place.declare()
    async with place.nexus.socket() as socket, place.nexus.events(PODS, scope="or/local") as streamed:
        pods = await socket.subscribe(PODS, scope=place.path)
        health = await socket.subscribe(HEALTH, scope="or")
        events = await socket.subscribe(EVENTS, scope=path)
        await pods.until(lambda feed: feed.complete)
        await streamed.until(lambda feed: feed.complete)
        assert (pods.items, streamed.items) == ({}, {})
        await health.until(lambda feed: feed.complete)
        assert health.one["state"]["status"] == "MISSING"

        operation = await place.nexus.deploy(path)
        followed = await socket.subscribe(OPERATION, id=operation["id"])

        await pods.until(lambda feed: all_are(feed, 1, "HEALTHY"))
        await streamed.until(lambda feed: all_are(feed, 1, "HEALTHY"))
        await health.until(lambda feed: all_are(feed, 1, "HEALTHY"))
        await followed.to_its_end()
        reasons: set[str] = set()
        while not reasons >= {"ScalingReplicaSet", "Scheduled", "Started"}:
            reasons |= {one["reason"] for one in (await events.next())["events"]}

    told = [item["state"]["status"] for frame in pods.frames for item in frame["upserted"]]
    assert told[0] == "PROGRESSING"
    assert set(told) == {"PROGRESSING", "HEALTHY"}
    assert followed.frames[-1]["status"] == "SUCCEEDED"
    assert followed.frames[-1]["progress"] == 1.0
    assert pods.items == streamed.items
    assert health.one["serving"] is True
    assert health.frames[-1]["summary"] == {
        "status": "HEALTHY",
        "healthy": 1,
        "degraded": 0,
        "progressing": 0,
        "missing": 0,
    }
    (seen,) = await place.pods()
    assert (seen["metadata"]["name"], pods.one["containers"][0]["image"]) == (pods.one["name"], "nexus-test/echo:1")


async def read_numbers(feed: Feed, numbers: list[int], count: int) -> str:
    """Add the numbers of the lines to the list until it has so many; the cursor of the last frame."""
    while len(numbers) < count:
        frame = await feed.next()
        assert frame["gaps"] == []
        numbers += [int(line["text"].split()[1]) for line in frame["lines"] if line["text"].startswith("tick ")]
    return str(feed.frames[-1]["cursor"])


async def test_log_should_go_on_after_a_reconnect_without_loss_or_repetition(place: Place) -> None:
    path = await place.run(env=[{"name": "LINES_EVERY", "value": {"text": "0.1"}}])
    numbers: list[int] = []
    cursor: str | None = None
    for _ in range(4):
        async with place.nexus.socket() as socket:
            given = {"scope": path, "tail": None, "after": cursor}
            cursor = await read_numbers(await socket.subscribe(LOGS, input=given), numbers, len(numbers) + 12)

    assert numbers == list(range(1, len(numbers) + 1))
    (pod,) = await place.pods()
    outside = (await place.kubectl("logs", pod["metadata"]["name"])).splitlines()
    assert [f"tick {number}" for number in numbers] == outside[1 : len(numbers) + 1]


async def test_scaling_should_bring_up_as_many_as_are_asked_for(place: Place) -> None:
    path = await place.run()
    before = {pod["metadata"]["name"] for pod in await place.pods()}

    async with place.nexus.socket() as socket:
        pods = await socket.subscribe(PODS, scope=path)
        await place.nexus.succeeded(await place.nexus.scale(path, 3))
        await pods.until(lambda feed: all_are(feed, 3, "HEALTHY"))

    after = {pod["metadata"]["name"] for pod in await place.pods()}
    assert before < after
    assert {pod["name"] for pod in pods.items.values()} == after
    fields = 'workload { replicas { desired ready available } } effective { value(key: "replicas") { value origin { kind path } } }'
    found = await place.nexus.application(path, fields)
    assert found["workload"]["replicas"] == {"desired": 3, "ready": 3, "available": 3}
    assert found["effective"]["value"] == {"value": 3, "origin": {"kind": "APPLICATION", "path": path}}


async def test_variable_should_be_inherited_overridden_and_inherited_again(place: Place) -> None:
    nexus = place.nexus
    path = await place.run("churn")
    other = await place.run("demand")

    async def level() -> tuple[Any, Any]:
        found = await nexus.application(
            path, 'effective { value(key: "env.LOG_LEVEL") { value origin { kind path } } }'
        )
        await nexus.deployed(path)
        (deployment,) = [one for one in await place.items("deployments") if one["metadata"]["name"] == "churn"]
        env = deployment["spec"]["template"]["spec"]["containers"][0].get("env", [])
        return found["effective"]["value"], {one["name"]: one["value"] for one in env}.get("LOG_LEVEL")

    payload = await nexus.configure("or", {"env": [{"name": "LOG_LEVEL", "value": {"text": "info"}}]})
    assert payload["changed"] == ["env.LOG_LEVEL"]
    assert {one["path"] for one in payload["affected"]} == {path, other}
    assert await level() == ({"value": {"text": "info"}, "origin": {"kind": "PROJECT", "path": "or"}}, "info")

    await nexus.configure(place.path, {"env": [{"name": "LOG_LEVEL", "value": {"text": "debug"}}]})
    origin = {"kind": "NAMESPACE", "path": place.path}
    assert await level() == ({"value": {"text": "debug"}, "origin": origin}, "debug")

    await nexus.configure(place.path, {"inherit": ["env.LOG_LEVEL"]})
    assert await level() == ({"value": {"text": "info"}, "origin": {"kind": "PROJECT", "path": "or"}}, "info")


async def test_wrong_image_should_be_told_in_plain_words_and_replaced_without_waiting(place: Place) -> None:
    nexus = place.nexus
    path = await place.run()
    (first,) = await place.pods()

    async with nexus.socket() as socket:
        health = await socket.subscribe(HEALTH, scope=path)
        wrong = await nexus.deploy(path, {"image": {"tag": "missing"}})
        await health.until(lambda feed: feed.items and feed.one["state"]["status"] == "DEGRADED")

        state = health.one["state"]
        assert state["reason"] in {"ErrImagePull", "ImagePullBackOff"}
        assert "nexus-test/echo:missing" in state["message"]
        assert health.one["serving"] is True

        right = await nexus.deploy(path, {"image": {"tag": "2"}})
        superseded, succeeded = await nexus.end(wrong), await nexus.end(right)
        await health.until(lambda feed: feed.one["state"]["status"] == "HEALTHY")

    assert (superseded["status"], succeeded["status"]) == ("SUPERSEDED", "SUCCEEDED")
    pods = await place.eventually(lambda pods: [image_of(pod) for pod in pods] == ["nexus-test/echo:2"], "pods")
    assert pods[0]["metadata"]["uid"] != first["metadata"]["uid"]


def image_of(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["image"])


async def test_restart_should_make_the_pods_anew_and_change_nothing_else(place: Place) -> None:
    path = await place.run()
    (before,) = await place.pods()
    await place.nexus.configure(path, {"image": {"tag": "2"}})

    await place.nexus.succeeded(await place.nexus.restart(path))

    (after,) = await place.eventually(
        lambda pods: (
            [pod["metadata"]["uid"] for pod in pods if pod["metadata"]["uid"] == before["metadata"]["uid"]] == []
        ),
        "pods",
    )
    assert image_of(after) == "nexus-test/echo:1"


async def test_removal_should_take_everything_off_the_cluster_and_leave_it_declared(place: Place) -> None:
    secret = {"name": "PASSWORD", "value": {"secret": "hunter2"}}
    path = await place.run(env=[secret], files=[{"name": "motd", "mountPath": "/etc/motd", "text": "hello"}])

    async with place.nexus.socket() as socket:
        health = await socket.subscribe(HEALTH, scope=path)
        await health.until(lambda feed: all_are(feed, 1, "HEALTHY"))
        await place.nexus.succeeded(await place.nexus.remove(path))
        await health.until(lambda feed: all_are(feed, 1, "MISSING"))
        assert health.one["serving"] is False

    left = await place.items("deployments,services,secrets,configmaps,replicasets,pods")
    assert {one["metadata"]["name"] for one in left} <= {"kube-root-ca.crt"}
    assert (await place.nexus.application(path, "name pods { id } workload { id }")) == {
        "name": "churn",
        "pods": [],
        "workload": None,
    }

    await place.nexus.deployed(path)
    assert (await place.nexus.state(path))["status"] == "HEALTHY"


async def test_pods_and_their_lines_should_be_there_to_ask_for_as_well(place: Place) -> None:
    path = await place.run(env=[{"name": "MESSAGE", "value": {"text": "bonjour"}}])

    async def lines() -> list[str] | None:
        found = await place.nexus.application(path, "pods { name ready containers { logs { text } } }")
        (pod,) = found["pods"]
        said = [line["text"] for line in pod["containers"][0]["logs"]]
        return said if "bonjour 2" in said else None

    assert (await until(lines))[:3] == ["version 1 starts", "bonjour 1", "bonjour 2"]
