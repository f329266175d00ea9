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
    wanted = {"BackOff", "Failed", "Unhealthy", "Pulling"}

    path, query = core(namespace, "events"), {"fieldSelector": "involvedObject.kind=Pod"}
    found = events(await becomes(apiserver, path, lambda all_: wanted <= set(events(all_)), **query))
    for reason in ("BackOff", "Unhealthy"):
        observe(reason, {**found[reason], "message": "", "metadata": {}, "involvedObject": {}})
    assert {found[reason]["type"] for reason in ("Failed", "Unhealthy")} == {"Warning"}
