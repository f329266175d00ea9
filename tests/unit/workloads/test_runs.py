"""The object of one more run."""

from typing import Any

import pytest

from nexus_gql.workloads.runs import job_from, job_of, run_name

KEY = "0123abcd-0000-0000-0000-000000000000"


def manifest(kind: str, name: str = "churn", **spec: Any) -> dict[str, Any]:
    about = {"name": name, "namespace": "models", "labels": {"a": "b"}, "annotations": {"path": "or/churn"}}
    return {"apiVersion": "batch/v1", "kind": kind, "metadata": about, "spec": spec}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("churn", "churn-0123abcd"),
        ("x" * 63, "x" * 54 + "-0123abcd"),
        ("x" * 53 + "-tail", "x" * 53 + "-0123abcd"),
    ],
)
def test_a_run_should_have_a_name_of_its_operations_own_that_fits(name: str, expected: str) -> None:
    assert run_name(manifest("Job", name), KEY) == expected


def test_a_job_should_run_again_as_it_was() -> None:
    job = manifest("Job", "churn-3", template={"spec": {}})
    again = job_of(job, KEY)
    assert again["metadata"]["name"] == "churn-3-0123abcd"
    assert {**again, "metadata": None} == {**job, "metadata": None}
    assert job["metadata"]["name"] == "churn-3"


def test_a_cron_job_should_be_run_as_kubectl_does_it() -> None:
    template = {"metadata": {"labels": {"c": "d"}, "annotations": {"e": "f"}}, "spec": {"backoffLimit": 2}}
    made = job_from(manifest("CronJob", jobTemplate=template), KEY, "uid-1")
    assert made["kind"] == "Job"
    assert made["spec"] == {"backoffLimit": 2}
    assert made["metadata"] == {
        "name": "churn-0123abcd",
        "namespace": "models",
        "labels": {"c": "d"},
        "annotations": {"path": "or/churn", "e": "f", "cronjob.kubernetes.io/instantiate": "manual"},
        "ownerReferences": [
            {"apiVersion": "batch/v1", "kind": "CronJob", "name": "churn", "uid": "uid-1", "controller": True}
        ],
    }
