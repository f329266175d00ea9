"""A real Kubernetes cluster in a Docker container, from the workplace's scripts."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[3] / "shared" / "cluster"
NAME = "nexus-test"

# What one step on a node may take on a busy machine; only a step that hangs gets there.
LIMIT = 120.0

# Comes up once every controller, the scheduler and the kubelet do their work. The image is that of each pod's sandbox.
_PROBE: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "probe", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"app": "probe"}},
        "template": {
            "metadata": {"labels": {"app": "probe"}},
            "spec": {
                "containers": [{"name": "pause", "image": "registry.k8s.io/pause:3.10"}],
                "terminationGracePeriodSeconds": 0,
            },
        },
    },
}


@dataclass(frozen=True)
class Cluster:
    """One that runs."""

    name: str
    kubeconfig: Path
    program: Path

    @property
    def node(self) -> str:
        """The container that is its one node."""
        return f"{self.name}-control-plane"

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl says; what it complains of is the failure's message."""
        command = [
            str(self.program),
            "--kubeconfig",
            str(self.kubeconfig),
            f"--request-timeout={LIMIT:.0f}s",
            *arguments,
        ]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=LIMIT, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """`kubectl get`, decoded."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def apply(self, *objects: dict[str, Any]) -> None:
        """`kubectl apply` of objects."""
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def stop(self, program: str) -> None:
        """Take a program of the node away at once: `kube-apiserver`, `kubelet`, …"""
        self._control("stop", program)
        # Asked to end, an apiserver first serves its open watches for up to a minute. It may be gone already.
        self._control("kill", program, check=False)

    def start(self, program: str) -> None:
        """Give it back. An apiserver needs about ten seconds: `until_ready` waits for it."""
        self._control("start", program)

    def until_ready(self) -> None:
        """Wait until the apiserver says that it is ready, and the controllers have come back to it.

        They try again more and more seldom, so that may take half a minute.
        """
        self._until_answering()
        try:
            self.apply(_PROBE)
            self.kubectl("-n", "default", "rollout", "status", "deployment/probe", f"--timeout={LIMIT:.0f}s")
        finally:
            self.kubectl("-n", "default", "delete", "deployment", "probe", "--ignore-not-found")

    def _until_answering(self) -> None:
        end = time.monotonic() + LIMIT
        while True:
            try:
                self.kubectl("get", "--raw", "/readyz")
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
            else:
                return

    def _control(self, action: str, program: str, *, check: bool = True) -> None:
        command = ["docker", "exec", self.node, "/kit/control", action, program]
        subprocess.run(command, stderr=subprocess.DEVNULL, timeout=LIMIT, check=check)


@contextmanager
def running() -> Iterator[Cluster]:
    """The tests' own cluster. One that is up already, or that NEXUS_TEST_CLUSTER names, is taken and left up."""
    if not (SCRIPTS / "up").exists():
        pytest.skip(f"A real cluster needs the workplace's scripts; there is no {SCRIPTS}")
    if os.geteuid() != 0:
        pytest.skip("A real cluster needs root, to start nodes as containers")
    name = os.environ.get("NEXUS_TEST_CLUSTER") or NAME
    keep = name != NAME or _is_up(name)
    try:
        yield Cluster(name, Path(_script("up", name)), Path(_script("bin")) / "kubectl")
    finally:
        if not keep:
            _script("down", name)


def _is_up(name: str) -> bool:
    command = ["docker", "inspect", "-f", "{{.State.Running}}", f"{name}-control-plane"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == "true"


def _script(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(SCRIPTS / script), *arguments], stdout=subprocess.PIPE, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{script} failed; what it says stands above"
    return done.stdout.strip()
