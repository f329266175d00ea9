"""Health by its cases: each object with the verdict that a person should read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from nexus_gql.live import Deployment, Health, Pod, Verdict, judge_pod
from nexus_gql.live.health import (
    ApplicationState,
    Sighting,
    judge_application,
    judge_autoscaler,
    judge_claim,
    judge_cron_job,
    judge_daemon_set,
    judge_deployment,
    judge_ingress,
    judge_job,
    judge_replica_set,
    judge_stateful_set,
)
from nexus_gql.live.resources import (
    AUTOSCALERS,
    CLAIMS,
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    INGRESSES,
    JOBS,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    Resource,
)

from .cases import Case, cases, laid_over, named

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)

# What a kind can be: a pod is never suspended, and only an application can be missing or unknown.
REACHED = {
    "pod": {Health.HEALTHY, Health.PROGRESSING, Health.DEGRADED},
    "deployment": {Health.HEALTHY, Health.SUSPENDED, Health.PROGRESSING, Health.DEGRADED},
    "stateful_set": {Health.HEALTHY, Health.SUSPENDED, Health.PROGRESSING, Health.DEGRADED},
    "daemon_set": {Health.HEALTHY, Health.PROGRESSING, Health.DEGRADED},
    "replica_set": {Health.HEALTHY, Health.SUSPENDED, Health.PROGRESSING, Health.DEGRADED},
    "job": {Health.HEALTHY, Health.SUSPENDED, Health.PROGRESSING, Health.DEGRADED},
    "cron_job": {Health.HEALTHY, Health.SUSPENDED, Health.PROGRESSING, Health.DEGRADED},
    "claim": {Health.HEALTHY, Health.PROGRESSING, Health.DEGRADED},
    "ingress": {Health.HEALTHY, Health.PROGRESSING},
    "autoscaler": {Health.HEALTHY, Health.PROGRESSING, Health.DEGRADED},
    "application": set(Health),
}


def pod(case: Case) -> Pod:
    return PODS.decoded(json.dumps(laid_over("pod", case)).encode())


def deployment(case: Case) -> Deployment:
    return DEPLOYMENTS.decoded(json.dumps(laid_over("deployment", case)).encode())


def pods_of(case: Case) -> list[Pod]:
    by_name = {known["name"]: known for known in cases("pod")}
    return [pod(by_name[name]) for name in case["pods"]]


def expect(verdict: Verdict, case: Case) -> None:
    """The whole verdict; `since` only where the case names it."""
    assert (verdict.status, verdict.reason) == (case["status"], case.get("reason"))
    if "starts" in case:  # what follows is a pod's own verdict, which has cases of its own
        assert verdict.message.startswith(case["starts"])
    else:
        assert verdict.message == case["message"]
    assert verdict.recheck == case.get("recheck")
    if "since" in case:
        assert verdict.since == case["since"]


@named("pod")
def test_a_pod_should_be_judged_as_its_case_says(case: Case) -> None:
    expect(judge_pod(pod(case), NOW), case)


@named("deployment")
def test_a_deployment_should_be_judged_as_its_case_says(case: Case) -> None:
    expect(judge_deployment(deployment(case), pods_of(case), NOW), case)


def read(resource: Resource[Any], kind: str, case: Case) -> Any:
    return resource.decoded(json.dumps(laid_over(kind, case)).encode())


@named("stateful_set")
def test_a_stateful_set_should_be_judged_as_its_case_says(case: Case) -> None:
    expect(judge_stateful_set(read(STATEFUL_SETS, "stateful_set", case), pods_of(case), NOW), case)


@named("daemon_set")
def test_a_daemon_set_should_be_judged_as_its_case_says(case: Case) -> None:
    expect(judge_daemon_set(read(DAEMON_SETS, "daemon_set", case), pods_of(case), NOW), case)


@named("replica_set")
def test_a_replica_set_should_be_judged_as_its_case_says(case: Case) -> None:
    expect(judge_replica_set(read(REPLICA_SETS, "replica_set", case), pods_of(case), NOW), case)


@named("job")
def test_a_job_should_be_judged_as_its_case_says(case: Case) -> None:
    expect(judge_job(read(JOBS, "job", case), pods_of(case), NOW), case)


@named("cron_job")
def test_a_cron_job_should_be_judged_as_its_case_says(case: Case) -> None:
    by_name = {known["name"]: known for known in cases("job")}
    jobs = [(read(JOBS, "job", by_name[name]), pods_of(by_name[name])) for name in case["jobs"]]
    expect(judge_cron_job(read(CRON_JOBS, "cron_job", case), jobs, NOW), case)


@named("claim")
def test_a_claim_should_be_judged_as_its_case_says(case: Case) -> None:
    expect(judge_claim(read(CLAIMS, "claim", case), used=case.get("used", False)), case)


@named("ingress")
def test_an_ingress_should_be_judged_as_its_case_says(case: Case) -> None:
    expect(judge_ingress(read(INGRESSES, "ingress", case), classes=case["classes"]), case)


@named("autoscaler")
def test_an_autoscaler_should_be_judged_as_its_case_says(case: Case) -> None:
    expect(judge_autoscaler(read(AUTOSCALERS, "autoscaler", case), NOW), case)


@named("application")
def test_an_application_should_be_judged_as_its_case_says(case: Case) -> None:
    state = judged(**case.get("known", {}))

    expect(state.verdict, case)
    assert (state.serving, state.resting, state.stale) == tuple(
        case.get(flag, False) for flag in ("serving", "resting", "stale")
    )


def judged(
    *,
    deployed: bool = True,
    ever: bool = True,
    revision: int | None = 3,
    seen: str = "SEEN",
    workload: Any = ("HEALTHY", "The pod is ready.", None),
    serving: bool = True,
    trouble: str = "",
) -> ApplicationState:
    verdict = None if workload is None else Verdict(Health(workload[0]), workload[1], workload[2])
    return judge_application(
        deployed=deployed,
        ever=ever,
        revision=revision,
        seen=Sighting(seen),
        workload=verdict,
        serving=serving,
        trouble=trouble,
    )


@pytest.mark.parametrize("kind", REACHED)
def test_every_kind_should_have_a_case_for_each_status_it_can_reach(kind: str) -> None:
    assert {Health(case["status"]) for case in cases(kind)} == REACHED[kind]


@pytest.mark.parametrize("kind", REACHED)
def test_cases_should_have_names_of_their_own(kind: str) -> None:
    names = [case["name"] for case in cases(kind)]

    assert len(names) == len(set(names))


def test_every_way_of_seeing_a_cluster_should_have_a_case() -> None:
    assert {Sighting(case.get("known", {}).get("seen", "SEEN")) for case in cases("application")} == set(Sighting)


def test_verdicts_that_differ_only_in_when_to_look_again_should_be_equal() -> None:
    """Symptom: every touch of a pod that had crashed sent a frame to everybody, since its seconds count down."""
    case = next(case for case in cases("pod") if "recheck" in case)
    later = datetime(2026, 11, 24, 9, 1, tzinfo=UTC)

    assert judge_pod(pod(case), NOW) == judge_pod(pod(case), later)
