"""What an image does, told from its name."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.sandbox.images import full_name, id_of, run_of, word_of
from nexus_gql.sandbox.probes import Failing, course_of
from nexus_gql.sandbox.store import Object

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("image", "word"),
    [
        ("or/model:1.0", ""),
        ("or/model", ""),
        ("or/model:missing", "missing"),
        ("or/model:2.0-missing", "missing"),
        ("or/model-crash:1.0", "crash"),
        ("registry:5000/or/model", ""),
        ("registry:5000/crash/model", ""),
        ("registry:5000/or/crash", "crash"),
        (f"or/model:oom@{DIGEST}", "oom"),
        (f"or/model@{DIGEST}", ""),
        ("or/flaky:slow", "slow"),
        ("registry.k8s.io/pause:3.10", "pause"),
        ("or/model:Missing", ""),
    ],
)
def test_the_tag_should_decide_before_the_repository(image: str, word: str) -> None:
    assert word_of(image) == word


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("or/model:1.0", "docker.io/or/model:1.0"),
        ("ghcr.io/or/model:1", "ghcr.io/or/model:1"),
        ("localhost/or/model", "localhost/or/model"),
        ("registry:5000/model", "registry:5000/model"),
    ],
)
def test_a_status_should_name_the_registry(image: str, name: str) -> None:
    assert full_name(image) == name


def test_an_id_should_depend_on_the_name_alone() -> None:
    assert id_of("nginx") == id_of("docker.io/library/nginx")
    assert id_of("nginx:1") != id_of("nginx:2")
    assert id_of(f"or/model@{DIGEST}") == f"docker.io/or/model@{DIGEST}"


@given(seed=st.integers(), finite=st.booleans())
def test_a_plain_image_should_end_only_in_a_job(seed: int, finite: bool) -> None:
    run = run_of("or/model:1.0", finite=finite, random=Random(seed))
    assert (run.ends is not None) == finite
    assert run.code == 0


def test_a_pause_should_never_end() -> None:
    assert run_of("registry.k8s.io/pause:3.10", finite=True, random=Random(1)).ends is None


# ── probes ──

PROBE: Object = {"tcpSocket": {"port": 80}, "initialDelaySeconds": 3, "periodSeconds": 7, "failureThreshold": 3}


@given(moment=st.floats(-5, 200))
def test_a_failing_probe_should_fail_at_its_period(moment: float) -> None:
    failing = Failing("Readiness", "no", 3.0, 7.0, 100.0)
    following = failing.after(moment)
    if following is None:
        assert moment > 92
        return
    assert following > moment - 1e-3
    assert abs((following - 3.0) / 7.0 - round((following - 3.0) / 7.0)) < 1e-6
    assert following - moment <= 7.0 + 1e-3 or moment < 3.0


@pytest.mark.parametrize(
    ("probes", "image", "started", "ready", "killed"),
    [
        ({}, "a:1", 0.0, 0.0, None),
        ({"readinessProbe": PROBE}, "a:1", 0.0, 3.0, None),
        ({"readinessProbe": {**PROBE, "successThreshold": 2}}, "a:1", 0.0, 10.0, None),
        ({"readinessProbe": PROBE}, "a:slow", 0.0, 31.0, None),
        ({"readinessProbe": PROBE}, "a:unready", 0.0, None, None),
        ({}, "a:slow", 0.0, 30.0, None),
        ({}, "a:unready", 0.0, None, None),
        ({"startupProbe": {**PROBE, "failureThreshold": 9}}, "a:slow", 31.0, 31.0, None),
        ({"startupProbe": PROBE}, "a:slow", None, None, 17.0),
        ({"livenessProbe": PROBE}, "a:slow", 0.0, 30.0, 17.0),
        ({"livenessProbe": PROBE}, "a:1", 0.0, 0.0, None),
        ({"startupProbe": PROBE}, "a:1", 3.0, 3.0, None),
        ({}, "a:pause", 0.0, 0.0, None),
        ({"livenessProbe": PROBE}, "a:pause", 0.0, 0.0, 17.0),
    ],
)
def test_the_course_of_a_run_should_follow_from_what_is_declared(
    probes: Object, image: str, started: float | None, ready: float | None, killed: float | None
) -> None:
    spec = {"name": "main", "image": image, **probes}
    course = course_of(spec, run_of(image, finite=False, random=Random(1)), "10.244.0.9")
    assert (course.started, course.ready, course.killed) == (started, ready, killed)
