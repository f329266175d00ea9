"""What the controllers and nodes say of what they do."""

from .apiserver import Apiserver, Object
from .conftest import Observe, becomes
from .objects import core, workload
from .test_rollouts import made

GOOD = ["ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "Created", "Started"]


def events(found: Object) -> dict[str, Object]:
    """One event of each reason."""
    return {one["reason"]: one for one in found["items"]}


async def test_a_rollout_should_be_told_step_by_step(apiserver: Apiserver, namespace: str, observe: Observe) -> None:
    await made(apiserver, namespace, workload("Deployment", "web", replicas=1))

    found = await becomes(apiserver, core(namespace, "events"), lambda all_: set(GOOD) <= set(events(all_)))
    for reason in GOOD:
        observe(reason, events(found)[reason])


async def test_a_failure_should_be_told_with_its_reason(apiserver: Apiserver, namespace: str, observe: Observe) -> None:
    await made(apiserver, namespace, workload("Deployment", "crash", "crash", replicas=1, container={"args": []}))
    await made(apiserver, namespace, workload("Deployment", "missing", "missing", replicas=1))
    await made(apiserver, namespace, workload("Deployment", "unready", "unready", replicas=1))
    # A node backs off from a program as from an image, and calls both so; each case is told by what it is about.
    wanted = {
        *(("crash", "BackOff"), ("unready", "Unhealthy")),
        *(("missing", reason) for reason in ("Pulling", "Failed", "BackOff")),
    }

    def told(all_: Object) -> dict[tuple[str, str], Object]:
        return {
            (one["involvedObject"]["name"].partition("-")[0], reason): one
            for reason in ("BackOff", "Failed", "Unhealthy", "Pulling")
            for one in all_["items"]
            if one["reason"] == reason
        }

    path, query = core(namespace, "events"), {"fieldSelector": "involvedObject.kind=Pod"}
    found = told(await becomes(apiserver, path, lambda all_: wanted <= told(all_).keys(), **query))
    for about, reason in (("missing", "BackOff"), ("unready", "Unhealthy")):
        observe(reason, {**found[about, reason], "message": "", "metadata": {}, "involvedObject": {}})
    types = {case: found[case]["type"] for case in wanted}
    normal = {("missing", "Pulling"), ("missing", "BackOff")}
    assert types == {case: "Normal" if case in normal else "Warning" for case in wanted}
