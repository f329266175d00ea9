"""What goes wrong on a cluster is told as a reason, a sentence and a remedy, with the last that the container wrote.

All deployments of this module run at the same time, once; each test looks at what became of one of them.
"""

import asyncio
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.cluster import place as placing
from tests.cluster.nexus import in_process, until
from tests.cluster.place import Place
from tests.cluster.real import Cluster


def env(**variables: str) -> list[dict[str, Any]]:
    return [{"name": name, "value": {"text": text}} for name, text in variables.items()]


@dataclass(frozen=True)
class Case:
    """Settings that cannot come up in a namespace, and what has to be said about them (regular expressions)."""

    settings: dict[str, Any]
    reason: str
    message: str
    remedy: str
    sentence: str
    logs: str = ""
    namespace: str = "models"
    # The state of the application afterwards.
    state: str = "DEGRADED"


CASES = {
    "image": Case(
        {"image": {"tag": "missing"}},
        "ErrImagePull|ImagePullBackOff",
        r"image.*nexus-test/echo:missing",
        "image",
        "The image nexus-test/echo:missing cannot be pulled",
    ),
    "crash": Case(
        {"env": env(CRASH_AFTER="0.5", EXIT_CODE="3", READY="never")},
        "CrashLoopBackOff|Error",
        r"\b3\b",
        "log lines",
        "The container crash (ended|crashes)",
        logs="crashing with 3",
    ),
    "command": Case(
        {"command": ["/bin/no-such-program"]},
        "RunContainerError|StartError",
        "no-such-program",
        "command",
        "The container cannot be started",
    ),
    "ends": Case(
        {"command": ["/bin/echo", "done"]},
        "Completed|CrashLoopBackOff",
        "end",
        "command|log lines",
        "The container ends ends by itself",
        logs="done",
    ),
    "probe": Case(
        # All cases begin together, and its container must have begun by then; "quota" takes as long.
        {"env": env(READY="never", LINES_EVERY="0"), "rollout": {"deadline": "20s"}},
        "ContainersNotReady|ProgressDeadlineExceeded",
        "20 seconds",
        "probe|raise",
        ".*(not ready|not come up)",
        logs="version 1 starts",
        state="DEGRADED|PROGRESSING",
    ),
    "unschedulable": Case(
        {"resources": {"memoryRequest": "900Gi"}, "rollout": {"deadline": "15s"}},
        "Unschedulable",
        "memory",
        "Ask for less",
        "No node can take the pod",
    ),
    "memory": Case(
        {"env": env(EAT_MB="100", READY="never"), "resources": {"memoryLimit": "32Mi"}},
        "OOMKilled",
        "memory",
        "memoryLimit",
        "The container memory (was killed|crashes).* memory",
        logs="version 1 starts",
    ),
    "quota": Case({}, "FailedCreate", "quota", "quota", "Kubernetes refuses to make its pods", namespace="quota"),
    "limits": Case(
        {"resources": {"memoryRequest": "64Mi", "memoryLimit": "64Mi"}},
        "FailedCreate",
        "memory",
        "admission rule",
        "Kubernetes refuses to make its pods",
        namespace="limits",
    ),
    "account": Case(
        {"serviceAccount": "nobody"}, "FailedCreate", "nobody", "service account", "Kubernetes refuses to make its pods"
    ),
}

Outcomes = dict[str, dict[str, Any] | BaseException]


def ended(outcomes: Outcomes, name: str) -> dict[str, Any]:
    outcome = outcomes[name]
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outcomes(
    cluster: Cluster, images: tuple[str, str], migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Outcomes:
    """How each case ended: its `operation`, and the `state` of the application then."""
    base = f"test-{uuid4().hex[:8]}"
    file = Path(shutil.copy(migrated_file, tmp_path_factory.mktemp("failures") / "nexus.sqlite3"))
    try:
        async with in_process(file) as nexus:
            await placing.connected(nexus, cluster.kubeconfig.read_text())
            place = await placing.made(nexus, cluster, base)
            places = {"models": place}
            for name in ("quota", "limits"):
                await nexus.create("Namespace", environment="or/local", name=name, kubernetesName=f"{base}-{name}")
                places[name] = replace(place, kubernetes=f"{base}-{name}", path=f"or/local/{name}")
            await _limit(places)
            tasks = {name: _outcome(places[case.namespace], name, case) for name, case in CASES.items()}
            return dict(zip(tasks, await asyncio.gather(*tasks.values(), return_exceptions=True), strict=True))
    finally:
        cluster.kubectl(
            *("delete", "namespace", base, f"{base}-quota", f"{base}-limits", "--ignore-not-found", "--wait=false")
        )


async def _limit(places: dict[str, Place]) -> None:
    for name in ("quota", "limits"):
        await places[name].make_namespace()
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    await places["quota"].apply(quota)
    spec = {"limits": [{"type": "Container", "max": {"memory": "32Mi"}}]}
    await places["limits"].apply(
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": spec}
    )
    await places["quota"].eventually(lambda found: found[0].get("status", {}).get("hard"), "resourcequotas")


async def _outcome(place: Place, name: str, case: Case) -> dict[str, Any]:
    path = await place.declare(name, **case.settings)
    operation = await place.nexus.end(await place.nexus.deploy(path))
    return {"operation": operation, "state": await place.nexus.state(path)}


@pytest.mark.parametrize("name", CASES)
def test_failure_should_be_told_with_reason_sentence_remedy_and_log_lines(outcomes: Outcomes, name: str) -> None:
    case, operation = CASES[name], ended(outcomes, name)["operation"]
    assert operation["status"] == "FAILED", operation
    failure = operation["failure"]

    assert re.fullmatch(case.reason, failure["reason"]), failure
    assert re.search(case.message, failure["message"]), failure
    assert re.search(case.remedy, failure["remedy"] or ""), failure
    lines = [line["text"] for line in failure["logs"]]
    assert (case.logs in lines) if case.logs else lines == [], failure


@pytest.mark.parametrize("name", CASES)
def test_state_should_say_the_same_in_a_sentence(outcomes: Outcomes, name: str) -> None:
    state = ended(outcomes, name)["state"]

    assert re.fullmatch(CASES[name].state, state["status"]), state
    # What Kubernetes said itself may stand behind the colon.
    sentence = state["message"].partition(": ")[0]
    assert re.match(CASES[name].sentence, sentence), state
    assert not re.search(r"ReplicaSet|CrashLoop|BackOff|kubelet|rpc|OCI|OOM|exit code 0", sentence), state


async def test_missing_key_of_a_secret_should_be_refused_at_once(place: Place) -> None:
    await place.make_namespace()
    await place.kubectl("create", "secret", "generic", "database", "--from-literal=user=or")
    path = await place.declare(
        env=[
            {"name": "DB_USER", "value": {"secretKey": {"secret": "database", "key": "user"}}},
            {"name": "DB_PASSWORD", "value": {"secretKey": {"secret": "database", "key": "password"}}},
            {"name": "TOKEN", "value": {"secretKey": {"secret": "tokens", "key": "or"}}},
        ]
    )

    problems = await place.nexus.refused(path)

    assert [(one["code"], one["path"]) for one in problems] == [("MISSING_SECRET", ["path"])] * 2
    messages = " ".join(one["message"] for one in problems)
    assert "`password`" in messages or "password" in messages
    assert "tokens" in messages
    assert all(one["remedy"] for one in problems)
    assert await place.items("deployments") == []

    await place.kubectl("create", "secret", "generic", "tokens", "--from-literal=or=x")
    await place.kubectl("patch", "secret", "database", "-p", '{"stringData": {"password": "x"}}')
    await place.nexus.deployed(path)


POLICY = "admissionregistration.k8s.io/v1"


async def test_admission_rule_should_be_told_in_its_own_words_before_anything_is_written(place: Place) -> None:
    await place.make_namespace()
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place.kubernetes}},
            "resourceRules": [
                {
                    "apiGroups": ["apps"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["deployments"],
                }
            ],
        },
        "validations": [{"expression": "object.spec.replicas > 1", "message": "one replica is not enough here"}],
    }
    name = place.kubernetes
    binding = {"policyName": name, "validationActions": ["Deny"]}
    await place.kubectl(
        *("create", "deployment", "probe", "--image=none", "--replicas=0", "--dry-run=server")
    )  # allowed as yet
    await asyncio.to_thread(
        place.cluster.apply,
        {"apiVersion": POLICY, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec},
        {"apiVersion": POLICY, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name}, "spec": binding},
    )
    try:

        async def stands() -> bool:
            try:
                await place.kubectl("create", "deployment", "probe", "--image=none", "--dry-run=server")
            except AssertionError as error:
                return "one replica is not enough here" in str(error)
            return False

        await until(stands)
        path = await place.declare(env=[{"name": "PASSWORD", "value": {"secret": "hunter2"}}])

        failure = await place.nexus.failed(await place.nexus.deploy(path))

        assert "one replica is not enough here" in failure["message"]
        assert failure["remedy"]
        assert await place.items("deployments,services,secrets") == []
        await place.nexus.deployed(path, {"replicas": 2})
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            await place.kubectl("delete", kind, name)
