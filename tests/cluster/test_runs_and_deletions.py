"""Running a job once more, and deleting a level with what runs below it, on the real cluster."""

from typing import Any

from tests.cluster.nexus import Answered, Nexus
from tests.cluster.place import Place

DONE = ["/bin/busybox", "sh", "-c", "exit 0"]
DELETE = """mutation ($path: Path!) { deleteLevel(path: $path, remove: true, deleteVolumes: true) {
  operation { id } problems { message } } }"""
FIND = "query ($id: ID!) { operation(id: $id) { path steps { name message } children { path status } } }"


async def run(nexus: Nexus, path: str) -> Answered:
    payload = await nexus.asked("run", path)
    assert payload["problems"] == []
    operation: Answered = payload["operation"]
    return operation


def owners(job: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(one["kind"], one["controller"]) for one in job["metadata"].get("ownerReferences", ())]


async def test_a_job_should_run_again_and_serve_by_its_last_run(place: Place) -> None:
    path = await place.run(workload="JOB", command=DONE)
    ended = await place.nexus.succeeded(await run(place.nexus, path))
    assert ended["revision"] == {"number": 1}
    jobs = await place.items("jobs")
    assert sorted(len(one["metadata"]["name"]) for one in jobs) == [len("churn-1"), len("churn-1-01234567")]
    assert [one["status"]["succeeded"] for one in jobs] == [1, 1]
    found = await place.nexus.application(path, "serving state { status } workload { name }")
    assert (found["serving"], found["state"]["status"]) == (True, "HEALTHY")


async def test_a_run_that_fails_should_be_told_by_its_pods(place: Place) -> None:
    path = await place.declare(
        workload="CRON_JOB",
        schedule={"cron": "0 3 1 1 *"},
        job={"retries": 0},
        command=["/bin/busybox", "sh", "-c", "echo no churn today; exit 3"],
    )
    await place.nexus.deployed(path)
    failure = await place.nexus.failed(await run(place.nexus, path))
    assert "no churn today" in [line["text"] for line in failure["logs"]]
    (job,) = await place.items("jobs")
    assert owners(job) == [("CronJob", True)]
    assert job["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"] == "manual"
    assert not (await place.nexus.application(path, "serving"))["serving"]
    await place.nexus.deployed(path, {"env": [{"name": "LEVEL", "value": {"text": "2"}}]})
    assert len(await place.items("jobs")) == 1  # a deployment keeps the runs of a cron job


async def test_a_level_should_go_with_what_runs_below_it_and_the_namespace_that_was_made_for_it(place: Place) -> None:
    nexus = place.nexus
    await place.run()
    await place.run("front", dependsOn=[{"ref": "churn", "need": "REQUIRED"}])
    payload = (await nexus.ask(DELETE, path="or/local"))["deleteLevel"]
    assert payload["problems"] == []
    await nexus.succeeded(payload["operation"])
    told = (await nexus.ask(FIND, id=payload["operation"]["id"]))["operation"]
    assert told["path"] == "or/local"
    assert {one["path"]: one["status"] for one in told["children"]} == {
        "or/local/models/front": "SUCCEEDED",
        "or/local/models/churn": "SUCCEEDED",
    }
    assert f"`{place.kubernetes}` is gone." in [step["message"] for step in told["steps"]]
    assert place.cluster.kubectl("get", "namespace", place.kubernetes, "--ignore-not-found") == ""
    assert (await nexus.ask('{ projects { path } level(path: "or/local") { path } }')) == {
        "projects": [{"path": "or"}],
        "level": None,
    }
