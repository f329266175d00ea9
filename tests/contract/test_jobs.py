"""Jobs run to their end or to their limit; cron jobs make them."""

from .apiserver import Apiserver, Object
from .conftest import Observe, becomes
from .objects import batch, core, job
from .test_rollouts import condition, only


async def test_a_job_that_succeeds_should_be_complete(apiserver: Apiserver, namespace: str, observe: Observe) -> None:
    await apiserver.create(batch(namespace, "jobs"), job("load", "done"))

    found = await becomes(
        apiserver, batch(namespace, "jobs", "load"), lambda one: condition(one, "Complete").get("status") == "True"
    )
    observe("Job", found)
    observe("its pod", only(await apiserver.get(core(namespace, "pods"))))


async def test_a_job_that_fails_should_say_why(apiserver: Apiserver, namespace: str, observe: Observe) -> None:
    await apiserver.create(batch(namespace, "jobs"), job("load", "crash", backoffLimit=0))

    found = await becomes(
        apiserver, batch(namespace, "jobs", "load"), lambda one: condition(one, "Failed").get("status") == "True"
    )
    observe("Job", found)


async def test_a_job_that_takes_too_long_should_be_ended(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    wanted = job("load", "1", activeDeadlineSeconds=2)
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.k8s.io/pause:3.10"
    await apiserver.create(batch(namespace, "jobs"), wanted)

    found = await becomes(
        apiserver, batch(namespace, "jobs", "load"), lambda one: condition(one, "Failed").get("status") == "True"
    )
    observe("Job", found)
    await becomes(apiserver, core(namespace, "pods"), lambda pods: pods["items"] == [])


async def test_a_job_that_is_over_should_go_after_its_time(apiserver: Apiserver, namespace: str) -> None:
    await apiserver.create(batch(namespace, "jobs"), job("load", "done", ttlSecondsAfterFinished=1))

    await becomes(apiserver, batch(namespace, "jobs"), lambda jobs: jobs["items"] == [])
    await becomes(apiserver, core(namespace, "pods"), lambda pods: pods["items"] == [])


async def test_a_cron_job_should_make_jobs_by_its_schedule(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    spec = {"schedule": "@every 1s", "jobTemplate": {"spec": job("x", "done")["spec"]}, "concurrencyPolicy": "Forbid"}
    wanted = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}, "spec": spec}
    await apiserver.create(batch(namespace, "cronjobs"), wanted)

    def has_run(found: Object) -> bool:
        return "lastSuccessfulTime" in found.get("status", {})

    path = batch(namespace, "cronjobs", "nightly")
    await becomes(apiserver, path, has_run)
    await apiserver.merge(path, {"spec": {"suspend": True}})
    found = await becomes(apiserver, path, lambda one: not one["status"].get("active"))
    observe("CronJob", found)
    jobs = (await apiserver.get(batch(namespace, "jobs")))["items"]
    assert jobs
    assert all(one["metadata"]["ownerReferences"][0]["name"] == "nightly" for one in jobs)
    observe("its Job", {**jobs[0], "metadata": {**jobs[0]["metadata"], "name": "NAME"}, "status": {}})
