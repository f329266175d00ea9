"""The same questions to two apiservers: the sandbox, which runs in the `api` tier, and a real one, in the `cluster` tier.

What they show is compared with what was recorded of them (`recorded/`). `NEXUS_RECORD=1` writes that anew; look at what changed.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from tests.cluster import images as making
from tests.cluster.conftest import cluster

from .apiserver import Apiserver, Object, Refused, connected
from .shapes import Shape, shape

__all__ = ["cluster"]

RECORDED = Path(__file__).with_name("recorded")
LIMIT = 90.0
PROGRAM = Path(__file__).parents[1] / "cluster" / "echo"

# What the sandbox does for a word in an image's name, a real node does for what such an image is told.
IMAGES = {
    "nexus-test/echo:1": {},
    "nexus-test/echo:2": {},
    "nexus-test/echo:crash": {"CRASH_AFTER": "1"},
    "nexus-test/echo:unready": {"READY": "never"},
    "nexus-test/echo:done": {"CRASH_AFTER": "1", "EXIT_CODE": "0"},
}

T = TypeVar("T")
Observe = Callable[[str, Any], None]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sandbox: asks the sandbox")
    config.addinivalue_line("markers", "real: asks a real apiserver")


@pytest.fixture(
    scope="session",
    params=[pytest.param("sandbox", marks=pytest.mark.sandbox), pytest.param("real", marks=pytest.mark.real)],
)
def server(request: pytest.FixtureRequest) -> str:
    """Which apiserver is asked."""
    return str(request.param)


@pytest.fixture(scope="session")
def kubeconfig(server: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """How it is reached."""
    if server == "real":
        found = request.getfixturevalue("cluster")
        for name, environment in IMAGES.items():
            making.make(name, PROGRAM, VERSION=name.rpartition(":")[2], **environment)
        making.load(found.node, *IMAGES)
        yield found.kubeconfig.read_text()
        return
    state = tmp_path_factory.mktemp("sandbox") / "state.json"
    command = [sys.executable, "-m", "nexus_gql.sandbox", "--port", "0", "--state-file", str(state), "--seed", "7"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + LIMIT
            while not state.exists():
                assert process.poll() is None
                assert time.monotonic() < end, "the sandbox does not start"
                time.sleep(0.05)
            yield json.loads(state.read_text())["kubeconfig"]
        finally:
            process.terminate()


@pytest.fixture
async def apiserver(server: str, kubeconfig: str) -> AsyncIterator[Apiserver]:
    """The apiserver."""
    async with connected(kubeconfig, simulated=server == "sandbox") as apiserver:
        yield apiserver


@pytest.fixture
async def namespace(apiserver: Apiserver) -> AsyncIterator[str]:
    """A Kubernetes namespace of the test's own; its default service account is there."""
    name = f"contract-{uuid4().hex[:8]}"
    await apiserver.create("/api/v1/namespaces", {"metadata": {"name": name}})
    await eventually(lambda: there(apiserver, f"/api/v1/namespaces/{name}/serviceaccounts/default"))
    yield name
    await apiserver.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
async def names(apiserver: Apiserver, namespace: str) -> dict[str, str]:
    """Words of this run and what they stand for."""
    nodes = (await apiserver.get("/api/v1/nodes"))["items"]
    return {namespace: "NAMESPACE"} | {node["metadata"]["name"]: "NODE" for node in nodes}


@pytest.fixture
def observe(server: str, names: dict[str, str], request: pytest.FixtureRequest) -> Observe:
    """`observe("what it is", object)`: the object must look as it was recorded of this apiserver."""

    def observe(what: str, found: Any) -> None:
        test = request.node.originalname.removeprefix("test_").replace("_", " ")
        path, label = RECORDED / f"{server}.json", f"{test}: {what}"
        recorded: dict[str, Shape] = json.loads(path.read_text()) if path.exists() else {}
        seen = json.loads(json.dumps(shape(found, names)))
        if os.environ.get("NEXUS_RECORD"):
            path.write_text(json.dumps(recorded | {label: seen}, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        else:
            assert seen == recorded[label], label

    return observe


async def eventually(told: Callable[[], Awaitable[T | None]]) -> T:
    """Ask again until there is an answer."""
    async with asyncio.timeout(LIMIT):
        while not (answer := await told()):  # noqa: ASYNC110  # what it waits for is outside, and does not tell
            await asyncio.sleep(0.1)
    return answer


async def there(apiserver: Apiserver, path: str) -> Object | None:
    """An object, if it is there."""
    try:
        found: Object = await apiserver.get(path)
    except Refused:
        return None
    return found


async def becomes(apiserver: Apiserver, path: str, condition: Callable[[Object], object], **query: str) -> Object:
    """An object, or a list of objects, as soon as it is as wanted."""

    async def seen() -> Object | None:
        found: Object = await apiserver.get(path, **query)
        return found if condition(found) else None

    try:
        return await eventually(seen)
    except TimeoutError:
        raise AssertionError(f"it stays: {await apiserver.get(path, **query)}") from None
