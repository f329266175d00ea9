"""How a workload that nobody declared is doing, in the graph's terms."""

import pytest

from nexus_gql.live import Health, ObservedKind, Replicas, Verdict, Workload
from nexus_gql.live.metadata import Meta
from nexus_gql.topology import sight, silent, standing
from nexus_gql.topology.state import Standing


def workload(kind: ObservedKind, status: Health, ready: int = 0) -> Workload:
    verdict = Verdict(status, "1 of 1 pods is ready.")
    return Workload(
        "c1", kind, Meta(name="web", uid="u", namespace="shop"), Replicas(1, 1, ready, 1, ready), (), verdict
    )


@pytest.mark.parametrize(
    ("kind", "status", "ready", "serving"),
    [
        (ObservedKind.DEPLOYMENT, Health.HEALTHY, 1, True),
        (ObservedKind.DEPLOYMENT, Health.DEGRADED, 1, True),
        (ObservedKind.DEPLOYMENT, Health.DEGRADED, 0, False),
        (ObservedKind.DEPLOYMENT, Health.SUSPENDED, 0, False),
        (ObservedKind.POD, Health.HEALTHY, 1, True),
        (ObservedKind.JOB, Health.HEALTHY, 0, True),
        (ObservedKind.JOB, Health.DEGRADED, 0, False),
        (ObservedKind.CRON_JOB, Health.SUSPENDED, 0, True),
    ],
)
def test_it_should_serve_while_a_pod_is_ready_and_a_job_while_its_last_run_was_well(
    kind: ObservedKind, status: Health, ready: int, serving: bool
) -> None:
    assert sight.state(None, workload(kind, status, ready)).serving is serving


@pytest.mark.parametrize(("ready", "expected"), [(1, Standing.WEAK), (0, Standing.DOWN)])
def test_one_whose_cluster_is_out_of_sight_should_be_unknown_with_what_was_seen_last(
    ready: int, expected: Standing
) -> None:
    state = sight.state(None, workload(ObservedKind.DEPLOYMENT, Health.HEALTHY, ready))
    assert (state.verdict.status, state.verdict.reason, state.stale) == (Health.UNKNOWN, "ClusterUnreachable", True)
    assert "1 of 1 pods is ready." in state.verdict.message
    assert silent(state)
    assert standing(state, judged=True) is expected
