"""Jobs and CronJobs."""

import pytest

from nexus_gql.sandbox.objects import find_condition, phase_of, status_of
from nexus_gql.sandbox.store import Object
from tests.unit.sandbox.cluster import HOME, Cluster, container, running


def job(image: str = "or/etl:1.0", *, restart: str = "Never", **spec: object) -> Object:
    return {"template": {"spec": {"containers": [container(image)], "restartPolicy": restart}}, **spec}


def conditions(cluster: Cluster, name: str) -> list[tuple[str, str, str]]:
    found = status_of(cluster.get("Job", name)).get("conditions", ())
    return [(item["type"], item["reason"], item["message"]) for item in found]


async def test_a_job_should_complete_after_a_few_seconds() -> None:
    async with running() as cluster:
        cluster.make("Job", "load", job())
        await cluster.clock.advance(10)

        status = status_of(cluster.get("Job", "load"))
        assert (status["succeeded"], status.get("active"), status["ready"], status["terminating"]) == (1, None, 0, 0)
        assert status["startTime"] < status["completionTime"]
        words = "Reached expected number of succeeded pods"
        assert conditions(cluster, "load") == [
            ("SuccessCriteriaMet", "CompletionsReached", words),
            ("Complete", "CompletionsReached", words),
        ]
        (pod,) = cluster.pods()
        assert phase_of(pod) == "Succeeded"
        assert "finalizers" not in pod["metadata"]
        assert cluster.reasons("load") == ["SuccessfulCreate", "Completed"]


async def test_a_job_should_have_as_many_pods_at_work_as_it_may() -> None:
    async with running() as cluster:
        cluster.make("Job", "load", job(completions=5, parallelism=2))
        most = 0
        for _ in range(60):
            await cluster.clock.advance(1)
            most = max(most, status_of(cluster.get("Job", "load")).get("active", 0))
        assert most == 2
        assert status_of(cluster.get("Job", "load"))["succeeded"] == 5
        assert len(cluster.pods()) == 5


async def test_a_job_that_fails_should_try_again_later_each_time_up_to_its_limit() -> None:
    async with running() as cluster:
        cluster.make("Job", "load", job("or/etl:crash", backoffLimit=2))
        await cluster.clock.advance(120)

        starts = [status_of(pod)["startTime"] for pod in cluster.pods()]
        ends = [status_of(pod)["containerStatuses"][0]["state"]["terminated"]["finishedAt"] for pod in cluster.pods()]
        waits = [int(start[-3:-1]) - int(end[-3:-1]) for start, end in zip(starts[1:], ends, strict=False)]
        assert [wait % 60 for wait in waits] == [10, 20]
        assert status_of(cluster.get("Job", "load"))["failed"] == 3
        words = "Job has reached the specified backoff limit"
        assert conditions(cluster, "load") == [
            ("FailureTarget", "BackoffLimitExceeded", words),
            ("Failed", "BackoffLimitExceeded", words),
        ]


async def test_a_job_restarted_in_its_pod_should_count_its_restarts() -> None:
    async with running() as cluster:
        cluster.make("Job", "load", job("or/etl:crash", restart="OnFailure", backoffLimit=2))
        await cluster.clock.advance(120)
        assert conditions(cluster, "load")[-1][:2] == ("Failed", "BackoffLimitExceeded")
        assert cluster.pods() == []


async def test_a_job_that_takes_too_long_should_be_stopped() -> None:
    async with running() as cluster:
        cluster.make("Job", "load", job("or/etl:slow", activeDeadlineSeconds=8))
        await cluster.clock.advance(7)
        assert conditions(cluster, "load") == []
        await cluster.clock.advance(5)

        words = "Job was active longer than specified deadline"
        assert conditions(cluster, "load") == [
            ("FailureTarget", "DeadlineExceeded", words),
            ("Failed", "DeadlineExceeded", words),
        ]
        assert status_of(cluster.get("Job", "load"))["failed"] == 1
        assert cluster.pods() == []


async def test_a_job_with_a_time_to_live_should_go_with_its_pods() -> None:
    async with running() as cluster:
        cluster.make("Job", "load", job(ttlSecondsAfterFinished=60))
        await cluster.clock.advance(50)
        assert len(cluster.all("Job")) == 1
        await cluster.clock.advance(30)
        assert (cluster.all("Job"), cluster.pods()) == ([], [])


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
async def test_a_job_that_is_deleted_at_work_should_go_with_its_pods(propagation: str) -> None:
    """The pods stayed for ever, each held by the finalizer of a job that was gone."""
    async with running() as cluster:
        cluster.make("Job", "load", job())
        await cluster.clock.advance(1)
        assert len(cluster.pods()) == 1
        cluster.store.delete("Job", HOME, "load", propagation=propagation)
        await cluster.clock.advance(5)
        assert cluster.pods() == []
        assert cluster.store.get("Job", HOME, "load") is None


async def test_a_suspended_job_should_begin_when_it_is_let_go() -> None:
    async with running() as cluster:
        cluster.make("Job", "load", job(suspend=True))
        await cluster.clock.advance(5)
        assert cluster.pods() == []
        assert conditions(cluster, "load") == [("Suspended", "JobSuspended", "Job suspended")]
        cluster.change("Job", "load", suspend=False)
        await cluster.clock.advance(15)
        assert conditions(cluster, "load")[-1][0] == "Complete"


async def test_an_indexed_job_should_complete_each_number_once() -> None:
    async with running() as cluster:
        cluster.make("Job", "load", job(completions=4, parallelism=4, completionMode="Indexed"))
        await cluster.clock.advance(15)
        assert status_of(cluster.get("Job", "load"))["completedIndexes"] == "0-3"
        found = [pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"] for pod in cluster.pods()]
        assert sorted(found) == ["0", "1", "2", "3"]


# ── cron jobs ──


def cron_job(schedule: str = "*/5 * * * *", image: str = "or/etl:1.0", **spec: object) -> Object:
    return {"schedule": schedule, "jobTemplate": {"spec": job(image)}, **spec}


async def test_a_cron_job_should_start_a_job_whenever_it_is_due() -> None:
    async with running() as cluster:
        cluster.make("CronJob", "tick", cron_job())
        await cluster.clock.advance(290)
        assert cluster.all("Job") == []
        await cluster.clock.advance(20)

        (made,) = cluster.all("Job")
        # Minutes since 1970 at 00:05 on 2026-01-01.
        assert made["metadata"]["name"] == "tick-29453765"
        assert (
            made["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] == "2026-01-01T00:05:00Z"
        )
        status = status_of(cluster.get("CronJob", "tick"))
        assert status["lastScheduleTime"] == "2026-01-01T00:05:00Z"
        assert status["lastSuccessfulTime"] > "2026-01-01T00:05:00Z"
        assert "active" not in status
        assert cluster.said("tick") == [
            ("SuccessfulCreate", "Created job tick-29453765"),
            ("SawCompletedJob", "Saw completed job: tick-29453765, condition: Complete"),
        ]


async def test_a_cron_job_should_keep_its_last_jobs_only() -> None:
    async with running() as cluster:
        cluster.make("CronJob", "tick", cron_job())
        await cluster.clock.advance(3630)
        assert [item["metadata"]["name"] for item in cluster.all("Job")] == [
            f"tick-{29453760 + minute}" for minute in (50, 55, 60)
        ]


@pytest.mark.parametrize(
    ("policy", "active", "made"),
    [("Allow", 3, 3), ("Forbid", 1, 1), ("Replace", 1, 3)],
)
async def test_a_cron_job_should_heed_its_concurrency_policy(policy: str, active: int, made: int) -> None:
    async with running() as cluster:
        cluster.make("CronJob", "tick", cron_job("* * * * *", "or/etl:pause", concurrencyPolicy=policy))
        await cluster.clock.advance(190)
        assert len(status_of(cluster.get("CronJob", "tick"))["active"]) == active
        assert cluster.reasons("tick").count("SuccessfulCreate") == made


async def test_a_suspended_cron_job_should_rest() -> None:
    async with running() as cluster:
        cluster.make("CronJob", "tick", cron_job(suspend=True))
        await cluster.clock.advance(1000)
        assert cluster.all("Job") == []


async def test_the_jobs_of_a_cron_job_should_go_with_it() -> None:
    async with running() as cluster:
        cluster.make("CronJob", "tick", cron_job())
        await cluster.clock.advance(310)
        cluster.store.delete("CronJob", HOME, "tick")
        await cluster.clock.advance(5)
        assert (cluster.all("Job"), cluster.pods()) == ([], [])


async def test_a_failed_job_should_be_seen_as_failed() -> None:
    async with running() as cluster:
        spec = cron_job("0 * * * *")
        spec["jobTemplate"]["spec"] = job("or/etl:crash", backoffLimit=0)
        cluster.make("CronJob", "tick", spec)
        await cluster.clock.advance(3700)
        (made,) = cluster.all("Job")
        assert find_condition(status_of(made)["conditions"], "Failed") is not None
        assert "lastSuccessfulTime" not in status_of(cluster.get("CronJob", "tick"))
