"""A server that is killed or stands still in the middle of operations: the next one finishes them, and nothing is written late.

All operations are interrupted at the same time, each where its case says, and each test looks at what became of one of them:
there is a lease to wait for.
"""

import asyncio
import base64
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.cluster import place as placing
from tests.cluster import proxy as proxying
from tests.cluster.nexus import Answered, Nexus, Process, until
from tests.cluster.place import Object, Place
from tests.cluster.proxy import Halt, Proxy
from tests.cluster.real import Cluster

WRITES = "POST|PUT|PATCH|DELETE"


def settings(number: int, *, files: bool = True) -> dict[str, Any]:
    """Settings of which every object tells which of them it was made from."""
    return {
        "env": [
            {"name": "PASSWORD", "value": {"secret": f"secret-{number}"}},
            {"name": "LEVEL", "value": {"text": f"text-{number}"}},
        ],
        "ports": [{"name": "http", "port": 8000 + number, "targetPort": 8080}],
        **({"files": [{"name": "motd", "mountPath": "/etc/motd", "text": f"file-{number}"}]} if files else {}),
    }


async def objects(place: Place) -> dict[str, Object]:
    found = await place.items("deployments,services,secrets,configmaps")
    return {
        f"{one['kind']} {one['metadata']['name']}": one
        for one in found
        if one["metadata"]["name"] != "kube-root-ca.crt"
    }


async def declared(place: Place) -> dict[str, str]:
    """What the objects on the cluster were made from."""
    found = await objects(place)
    told: dict[str, Callable[[Object], str]] = {
        "Secret churn-env": lambda one: base64.b64decode(one["data"]["PASSWORD"]).decode(),
        "ConfigMap churn-files": lambda one: one["data"]["motd"],
        "Service churn": lambda one: f"port-{one['spec']['ports'][0]['port'] - 8000}",
        "Deployment churn": lambda one: next(
            variable["value"]
            for variable in one["spec"]["template"]["spec"]["containers"][0]["env"]
            if variable["name"] == "LEVEL"
        ),
    }
    return {name: told[name](one) for name, one in found.items()}


def of(number: int, *, files: bool = True) -> dict[str, str]:
    """What `declared` tells where all was made from the settings of that number."""
    found = {"Secret churn-env": "secret", "Service churn": "port", "Deployment churn": "text"}
    found |= {"ConfigMap churn-files": "file"} if files else {}
    return {name: f"{kind}-{number}" for name, kind in found.items()}


@dataclass(frozen=True)
class Case:
    """An operation that is interrupted: a `first` deployment, a `second` one or a `removal`.

    `at`: given the proxy and the Kubernetes namespace, before the operation is asked for, what stops it there. `newer`: what a
    second server is asked for while the first one stands still; where the first is killed, nothing.
    """

    kind: str
    at: Callable[[Proxy, str], Halt | None]
    newer: str = ""
    made: bool = True
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def end(self) -> dict[str, str]:
        """What is to stand on the cluster in the end."""
        if self.newer == "removal" or (self.kind == "removal" and not self.newer):
            return {}
        if self.newer:
            return of(3)
        return of(1) if self.kind == "first" else of(2, files=False)

    async def prepare(self, nexus: Nexus, place: Place) -> tuple["Case", Place, str]:
        """Make what the operation finds there; the path that it is about."""
        if self.made:
            await place.make_namespace()
        path = await place.declare(**{**settings(1), **self.settings})
        if self.kind != "first":
            await nexus.deployed(path)
        return self, place, path

    async def begin(self, nexus: Nexus, place: Place, path: str, proxy: Proxy) -> "Interrupted":
        """Ask for the operation, and wait until it stands where it is to be interrupted."""
        halt = self.at(proxy, place.kubernetes)
        operation = await asked(nexus, path, self.kind)
        if halt is not None:
            await halt.reached()
        else:
            await until(lambda: is_rolling_out(nexus, operation))
        return Interrupted(self, place, path, operation, halt)


@dataclass
class Interrupted:
    """An operation that stands still."""

    case: Case
    place: Place
    path: str
    operation: Answered
    halt: Halt | None
    after: Answered = field(default_factory=dict)
    stands: dict[str, Object] = field(default_factory=dict)

    async def finish(self, nexus: Nexus) -> None:
        """Killed: the server that came after has finished it, exactly once."""
        ended = await nexus.succeeded(self.operation)
        number = {"first": 1, "second": 2}.get(self.case.kind)
        assert ended["revision"] == (number and {"number": number})
        assert await declared(self.place) == self.case.end
        # A template that was applied in two ways would have made one more.
        sets = await self.place.items("replicasets")
        assert len(sets) == (number or 0), [one["spec"]["template"] for one in sets]

    async def overtake(self, nexus: Nexus) -> None:
        """Stood still: a second server does something newer meanwhile."""
        self.after = await nexus.succeeded(await asked(nexus, self.path, self.case.newer))
        assert await declared(self.place) == self.case.end
        self.stands = await objects(self.place)

    async def check(self, nexus: Nexus, older: Process) -> None:
        """The server that stood still has gone on, and changed nothing."""
        row = self.operation["id"].rpartition(":")[2]

        async def has_seen_it() -> bool:
            return re.search(rf"taken an operation over.*{row}", older.said) is not None

        await until(has_seen_it)
        assert (await nexus.operation(self.operation["id"]))["status"] == "SUPERSEDED"
        assert (await nexus.operation(self.after["id"]))["status"] == "SUCCEEDED"
        assert specified(await objects(self.place)) == specified(self.stands)


async def asked(nexus: Nexus, path: str, kind: str) -> Answered:
    match kind:
        case "first":
            return await nexus.deploy(path)
        case "second":
            return await nexus.deploy(path, {**settings(2, files=False), "inherit": ["files.motd"]})
        case "third":
            return await nexus.deploy(path, settings(3))
        case _:
            return await nexus.remove(path)


async def is_rolling_out(nexus: Nexus, operation: Answered) -> bool:
    return bool((await nexus.operation(operation["id"]))["status"] == "ROLLING_OUT")


def specified(found: dict[str, Object]) -> dict[str, Object]:
    """Objects without what the cluster says of them."""
    return {
        name: {key: value for key, value in one.items() if key != "status"}
        | {"metadata": {key: one["metadata"][key] for key in ("uid", "annotations", "labels")}}
        for name, one in found.items()
    }


# ── the cases ──


def write(nth: int, *, answered: bool = False) -> Callable[[Proxy, str], Halt]:
    """At the n-th request that changes something in the namespace, or once it is answered."""
    return lambda proxy, name: proxy.halt(WRITES, f".*/namespaces/{name}/.*", nth, answered=answered)


def request(method: str, path: str, nth: int = 1, **more: bool) -> Callable[[Proxy, str], Halt]:
    """At a request within the namespace."""
    return lambda proxy, name: proxy.halt(method, f".*/namespaces/{name}{path}", nth, **more)


DEPLOYMENT = "/deployments/churn"
SLOW = {"probes": {"readiness": {"httpPath": "/healthz", "period": "1s", "initialDelay": "12s"}}}
KILLED = {
    **{f"first deployment, before write {n}": Case("first", write(n)) for n in range(1, 5)},
    **{
        f"first deployment, before the answer to write {n}": Case("first", write(n, answered=True)) for n in range(1, 5)
    },
    **{f"second deployment, before write {n}": Case("second", write(n)) for n in range(1, 5)},
    **{f"second deployment, before the answer to write {n}": Case("second", write(n, answered=True)) for n in (3, 4)},
    **{f"removal, before write {n}": Case("removal", write(n)) for n in range(1, 5)},
    **{f"removal, before the answer to write {n}": Case("removal", write(n, answered=True)) for n in (1, 4)},
    "before its namespace is made": Case(
        "first", lambda proxy, _: proxy.halt("POST", "/api/v1/namespaces"), made=False
    ),
    "after it was prepared": Case("first", request("GET", "")),
    "before the rehearsal's last answer": Case("first", request("PATCH", DEPLOYMENT, dry_run=True, answered=True)),
    "before it looks for what is too many": Case("first", request("GET", "/deployments", 2)),
    "while it rolls out": Case("first", lambda *_: None, settings=SLOW),
}
LATE = {
    "its write is under way, and a newer deployment writes": Case("second", request("PATCH", DEPLOYMENT), "third"),
    "it is about to write, and a newer deployment writes": Case(
        "second", request("PATCH", DEPLOYMENT, 2, dry_run=True, answered=True), "third"
    ),
    "its write is under way, and the object is taken away": Case("second", request("PATCH", DEPLOYMENT), "removal"),
    "it is about to make what a removal takes away": Case(
        "first", request("GET", DEPLOYMENT, 2, answered=True), "removal"
    ),
    "it is about to make what a newer deployment makes": Case(
        "first", request("GET", DEPLOYMENT, 2, answered=True), "third"
    ),
    "it is about to take away what a newer deployment keeps": Case("removal", request("DELETE", DEPLOYMENT), "third"),
}

Outcomes = dict[str, Any]
"""What each case came to: an exception where something was wrong."""


@asynccontextmanager
async def scene(
    cluster: Cluster, file: Path, cases: dict[str, Case]
) -> AsyncIterator[tuple[Process, Nexus, Proxy, dict[str, Place]]]:
    """A server on a database of its own, behind a proxy of its own, with a namespace for each case."""
    base = f"test-{uuid4().hex[:8]}"
    process = Process(file.parent, f"sqlite://{file}", "first")
    names = [f"{base}-{number}" for number in range(len(cases))]
    try:
        with proxying.running(cluster.kubeconfig) as proxy:
            try:
                nexus = await process.start()
                await placing.connected(nexus, proxy.kubeconfig)
                place = await placing.made(nexus, cluster, base)
                places = {}
                for name, (number, kubernetes) in zip(cases, enumerate(names), strict=True):
                    level = f"models-{number}"
                    await nexus.create("Namespace", environment="or/local", name=level, kubernetesName=kubernetes)
                    places[name] = replace(place, kubernetes=kubernetes, path=f"or/local/{level}")
                yield process, nexus, proxy, places
            finally:
                await process.stop()
    finally:
        gone = ("delete", "namespace", *names, "--ignore-not-found", "--wait=false")
        await asyncio.to_thread(cluster.kubectl, *gone)


async def each(before: Outcomes, work: Callable[[Any], Awaitable[object]]) -> Outcomes:
    """The same outcomes, or what went wrong now with those that were well so far."""
    well = {name: outcome for name, outcome in before.items() if not isinstance(outcome, BaseException)}
    done = await asyncio.gather(*map(work, well.values()), return_exceptions=True)
    return before | {name: end if end is not None else well[name] for name, end in zip(well, done, strict=True)}


async def killed(cluster: Cluster, file: Path) -> Outcomes:
    async with scene(cluster, file, KILLED) as (process, nexus, proxy, places):
        begun: Outcomes = {name: (KILLED[name], place) for name, place in places.items()}
        # All of it before anything stands still: after 15 seconds a request is given up, and its operation would go on.
        begun = await each(begun, lambda one: one[0].prepare(nexus, one[1]))
        begun = await each(begun, lambda one: one[0].begin(nexus, one[1], one[2], proxy))
        await process.kill()
        again = await process.start()
        return await each(begun, lambda one: one.finish(again))


async def freeze_between_writes(process: Process, file: Path) -> None:
    """A server that stands still within a transaction would keep everybody else from writing to SQLite."""
    while True:
        await process.freeze()
        with (
            closing(sqlite3.connect(file, timeout=1, isolation_level=None)) as database,
            suppress(sqlite3.OperationalError),
        ):
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
            return
        process.thaw()
        await asyncio.sleep(0.05)


async def stood_still(cluster: Cluster, file: Path) -> Outcomes:
    async with scene(cluster, file, LATE) as (process, nexus, proxy, places):
        begun: Outcomes = {name: (LATE[name], place) for name, place in places.items()}
        begun = await each(begun, lambda one: one[0].prepare(nexus, one[1]))
        begun = await each(begun, lambda one: one[0].begin(nexus, one[1], one[2], proxy))
        await freeze_between_writes(process, file)
        second = Process(process.folder, process.database_url, "second")
        try:
            there = await second.start()
            begun = await each(begun, lambda one: one.overtake(there))
            proxy.release_halts()
            process.thaw()
            return await each(begun, lambda one: one.check(there, process))
        finally:
            await second.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outcomes(
    cluster: Cluster, images: tuple[str, str], migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Outcomes:
    files = [Path(shutil.copy(migrated_file, tmp_path_factory.mktemp(name) / "nexus.sqlite3")) for name in ("k", "s")]
    both = await asyncio.gather(killed(cluster, files[0]), stood_still(cluster, files[1]))
    return both[0] | both[1]


@pytest.mark.parametrize("name", KILLED)
def test_operation_should_be_finished_by_the_server_that_comes_after_a_killed_one(
    outcomes: Outcomes, name: str
) -> None:
    expect_well(outcomes[name])


@pytest.mark.parametrize("name", LATE)
def test_worker_that_stood_still_should_not_undo_what_a_newer_operation_did(outcomes: Outcomes, name: str) -> None:
    expect_well(outcomes[name])


def expect_well(outcome: Any) -> None:
    if isinstance(outcome, BaseException):
        raise outcome
