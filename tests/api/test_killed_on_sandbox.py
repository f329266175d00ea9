"""kill -9 before and after each write of each operation: the server that comes after makes the same of it as if nothing had been.

Each operation is carried out undisturbed first, and what it asks of the apiserver recorded. Then it is asked for once for each
of these points, stands still there, and the server is killed: all at the same time, since there is a lease to wait for. A step
is recorded before its first request and after its last answer, so the points around the writes, the first and the last request
and the first and the last rehearsal are those around the records, too.
"""

import asyncio
import json
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.api.sandboxed import Object, Sandbox, proxied, running
from tests.cluster import place as placing
from tests.cluster.nexus import Answered, Nexus, Process, until
from tests.cluster.proxy import Halt, Proxy

SETTINGS: dict[str, Any] = {"image": {"repository": "or/churn", "tag": "1"}, "terminationGrace": "1s"}
FULL = {
    "env": [{"name": "PASSWORD", "value": {"secret": "s"}}, {"name": "LEVEL", "value": {"text": "1"}}],
    "files": [{"name": "motd", "mountPath": "/etc/motd", "text": "hello"}],
}
STATEFUL = {"workload": "STATEFUL_SET", "volumes": [{"name": "data", "mountPath": "/data", "size": "1Gi"}]}
JOB, CRON_JOB = {"workload": "JOB"}, {"workload": "CRON_JOB", "schedule": {"cron": "0 0 1 1 *"}}


@dataclass(frozen=True)
class Case:
    """An operation. `before`: applications and their settings, and whether each is deployed first. `made`: its namespace is there."""

    ask: Callable[[Nexus, str], Awaitable[Answered]]
    before: Mapping[str, dict[str, Any]] = field(default_factory=lambda: {"churn": {}})
    deployed: bool = True
    made: bool = True


def deploy(**settings: Any) -> Case:
    return Case(lambda nexus, level: nexus.deploy(f"{level}/churn"), {"churn": settings}, deployed=False)


async def run(nexus: Nexus, level: str) -> Answered:
    return accepted(await nexus.asked("run", f"{level}/churn"))


async def remove(nexus: Nexus, level: str) -> Answered:
    return accepted(await nexus.asked("remove", f"{level}/churn", deleteVolumes=("Boolean!", True)))


def accepted(payload: Answered) -> Answered:
    assert payload["problems"] == []
    operation: Answered = payload["operation"]
    return operation


async def delete(nexus: Nexus, level: str) -> Answered:
    document = """mutation ($path: Path!) { deleteLevel(path: $path, remove: true, deleteVolumes: true) {
      deleted operation { id status } problems { code message } } }"""
    return accepted((await nexus.ask(document, path=level))["deleteLevel"])


CASES = {
    "deploy a deployment": deploy(**FULL),
    "deploy where there is no namespace": Case(
        lambda nexus, level: nexus.deploy(f"{level}/churn"), deployed=False, made=False
    ),
    "deploy a stateful set": deploy(**STATEFUL),
    "deploy a daemon set": deploy(workload="DAEMON_SET"),
    "deploy a job": deploy(**JOB),
    "deploy a cron job": deploy(**CRON_JOB),
    "scale": Case(lambda nexus, level: nexus.scale(f"{level}/churn", 2)),
    "restart": Case(lambda nexus, level: nexus.restart(f"{level}/churn")),
    "remove with volumes": Case(remove, {"churn": STATEFUL}),
    "run a job": Case(run, {"churn": JOB}),
    "run a cron job": Case(run, {"churn": CRON_JOB}),
    "delete a level": Case(
        delete, {"churn": {}, "front": {"dependsOn": [{"ref": "churn", "need": "REQUIRED"}]}}, made=False
    ),
}


@dataclass(frozen=True)
class Point:
    """Where an operation stands still: at the n-th request of a kind, before it is passed on or once it is answered."""

    method: str
    path: str
    nth: int
    dry_run: bool
    answered: bool

    def halt(self, proxy: Proxy, namespace: str) -> Halt:
        """Let it stand still there."""
        path = self.path.replace("NAMESPACE", namespace)
        return proxy.halt(self.method, path, self.nth, dry_run=self.dry_run, answered=self.answered)

    def __str__(self) -> str:
        when = "after" if self.answered else "before"
        return f"{when} {self.method} {self.path} ({self.nth}{', dry run' if self.dry_run else ''})"


def points(asked: list[tuple[str, str, bool]]) -> list[Point]:
    """Around each write; before the first and after the last rehearsal; before the first and after the last request."""
    seen: Counter[tuple[str, str, bool]] = Counter()
    numbered = []
    for method, path, dry_run in asked:
        seen[method, path, dry_run] += 1
        numbered.append((method, path, seen[method, path, dry_run], dry_run))
    # What changed after it was read is looked at and written once more; in another run it may go through at once.
    rehearsals = [one for one in numbered if one[3] and one[2] <= 2]
    # What terminates is told again to go, as often as it takes.
    writes = [one for one in numbered if one[0] != "GET" and not one[3] and (one[0] != "DELETE" or one[2] == 1)]
    wanted = {Point(*one, answered) for one in writes if one[2] == 1 for answered in (False, True)}
    wanted |= {Point(*one, False) for one in (numbered[:1] + rehearsals[:1])}
    wanted |= {Point(*one, True) for one in rehearsals[-1:]}
    after = numbered[numbered.index(writes[-1]) + 1 :] if writes else []
    # What is asked again and again while it waits comes a different number of times each time.
    wanted |= {Point(*one, False) for one in after[:1]}
    return sorted(wanted, key=str)


@dataclass
class Scene:
    """A level of its own for one case."""

    case: Case
    nexus: Nexus
    sandbox: Sandbox
    level: str
    namespace: str

    async def set_up(self) -> None:
        """Declare and deploy what the case begins with."""
        if self.case.made:
            await self.sandbox.make_namespace(self.namespace)
        name = self.level.rpartition("/")[2]
        await self.nexus.create("Namespace", environment="or/local", name=name, kubernetesName=self.namespace)
        for application, settings in self.case.before.items():
            await self.nexus.create("Application", namespace=self.level, name=application, settings=settings)
        if self.case.deployed:
            paths = [f"{self.level}/{application}" for application in self.case.before]
            await asyncio.gather(*(self.nexus.deployed(path) for path in paths))

    async def stands(self) -> list[str]:
        """What is on the cluster in the end, without what differs from one namespace to the next."""
        if await self.sandbox.get(f"/api/v1/namespaces/{self.namespace}") is None:
            return ["no namespace"]

        async def settled() -> tuple[list[tuple[str, Object]]] | None:
            found = await self.sandbox.items(self.namespace)
            return None if any("deletionTimestamp" in one["metadata"] for _, one in found) else (found,)

        (found,) = await until(settled)
        return sorted(f"{kind} {neutral(item, self.namespace, self.level)}" for kind, item in found)


_OWN = ("clusterIP", "clusterIPs", "volumeName", "ipFamilies", "ipFamilyPolicy")


def neutral(item: Object, namespace: str, level: str) -> str:
    """An object as it was meant: without what the cluster or this very namespace makes of it."""
    metadata = item["metadata"]
    spec = {key: value for key, value in (item.get("spec") or {}).items() if key not in _OWN}
    annotations = {
        k: v for k, v in (metadata.get("annotations") or {}).items() if "kubernetes.io" not in k or "cronjob" in k
    }
    meant = {
        "name": metadata["name"],
        "spec": spec,
        "data": item.get("data"),
        "labels": metadata.get("labels"),
        "annotations": annotations,
        "owners": [one["kind"] for one in metadata.get("ownerReferences") or ()],
    }
    text = json.dumps(meant, sort_keys=True).replace(namespace, "NAMESPACE").replace(level, "LEVEL")
    if digest := (metadata.get("labels") or {}).get("pod-template-hash"):  # a number's digits: one to ten characters
        text = text.replace(f'-{digest}"', '-X"')
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID", text)
    text = re.sub(r'(restarted-at|nexus[\w./-]*secrets|pod-template-hash)": "[^"]*"', r'\1": "X"', text)
    return re.sub(r'(-\d+|churn)-[0-9a-f]{8}"', r'\1-X"', text)


Outcome = BaseException | None


@asynccontextmanager
async def server(sandbox: Sandbox, file: Path) -> AsyncIterator[tuple[Process, Nexus, Proxy]]:
    """A server on a database of its own, behind a proxy of its own."""
    process = Process(file.parent, f"sqlite://{file}", "first")
    with proxied(sandbox, file.parent) as proxy:
        try:
            nexus = await process.start()
            await placing.connected(nexus, proxy.kubeconfig)
            await nexus.create("Project", name="or", settings=SETTINGS)
            await nexus.create("Environment", project="or", name="local", cluster="test")
            yield process, nexus, proxy
        finally:
            await process.stop()


@dataclass(frozen=True)
class Undisturbed:
    """What an operation asks of the apiserver, and what it comes to."""

    points: list[Point]
    stands: list[str]
    steps: list[str]


async def undisturbed(nexus: Nexus, proxy: Proxy, sandbox: Sandbox) -> dict[str, Undisturbed]:
    scenes = {
        name: Scene(case, nexus, sandbox, f"or/local/u-{n}", f"undisturbed-{n}")
        for n, (name, case) in enumerate(CASES.items())
    }
    await asyncio.gather(*(scene.set_up() for scene in scenes.values()))
    proxy.order.clear()
    asked = {name: await scene.case.ask(nexus, scene.level) for name, scene in scenes.items()}
    ends = dict(zip(asked, await asyncio.gather(*map(nexus.succeeded, asked.values())), strict=True))
    found = {}
    for name, scene in scenes.items():
        about = re.compile(rf".*/namespaces/{scene.namespace}(/.*)?")
        mine = [
            (method, masked(path, scene.namespace, asked[name]), dry_run)
            for method, path, dry_run in proxy.order
            if about.fullmatch(path) or (method == "POST" and path == "/api/v1/namespaces" and not scene.case.made)
        ]
        if scene.case.deployed:  # its namespace was made by the deployment before
            mine = [one for one in mine if one[1] != "/api/v1/namespaces"]
        steps = [step["name"] for step in ends[name]["steps"]]
        found[name] = Undisturbed(points(mine), await scene.stands(), steps)
    return found


def masked(path: str, namespace: str, operation: Answered) -> str:
    """A path as a regular expression for any namespace and any operation."""
    mark = operation["id"].partition(":")[2][:8]
    return re.escape(path).replace(re.escape(namespace), "NAMESPACE").replace(mark, "[0-9a-f]{8}")


@dataclass
class Interrupted:
    """An operation that stands still. `point` None: it rolls out."""

    name: str
    point: Point | None
    scene: Scene
    operation: Answered = field(default_factory=dict)

    async def begin(self, proxy: Proxy) -> None:
        """Ask for it, and wait until it stands."""
        halt = None if self.point is None else self.point.halt(proxy, self.scene.namespace)
        self.operation = await self.scene.case.ask(self.scene.nexus, self.scene.level)
        if halt is not None:
            await halt.reached()
            return

        async def has_applied() -> bool:
            status = (await self.scene.nexus.operation(self.operation["id"]))["status"]
            return status not in {"PENDING", "APPLYING"}

        await until(has_applied)

    async def finish(self, nexus: Nexus, end: Undisturbed) -> None:
        """The server that came after has finished it, and what stands is what would have stood."""
        await nexus.succeeded(self.operation)
        assert await self.scene.stands() == end.stands


async def killed(
    sandbox: Sandbox, file: Path, share: list[tuple[str, Point | None]], ends: dict[str, Undisturbed]
) -> dict[str, Outcome]:
    """What each of some points comes to, all on one server that is killed once."""
    async with server(sandbox, file) as (process, nexus, proxy):
        base = file.parent.name.replace("_", "-")
        all_of_them = [
            Interrupted(name, point, Scene(CASES[name], nexus, sandbox, f"or/local/k-{n}", f"{base}-{n}"))
            for n, (name, point) in enumerate(share)
        ]
        outcomes: dict[str, Outcome] = {}

        async def each(
            work: Callable[[Interrupted], Awaitable[None]], only: Callable[[Interrupted], bool] = bool
        ) -> None:
            well = [one for one in all_of_them if title(one.name, one.point) not in outcomes and only(one)]
            done = await asyncio.gather(*map(work, well), return_exceptions=True)
            outcomes.update({title(one.name, one.point): end for one, end in zip(well, done, strict=True) if end})

        await each(lambda one: one.scene.set_up())
        await each(lambda one: one.begin(proxy), lambda one: one.point is not None)
        await each(lambda one: one.begin(proxy), lambda one: one.point is None)
        await process.kill()
        again = await process.start()
        await each(lambda one: one.finish(again, ends[one.name]))
        return {title(*one): outcomes.get(title(*one)) for one in share}


def title(name: str, point: Point | None) -> str:
    return f"{name}: {'while it rolls out' if point is None else point}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outcomes(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Outcome]]:
    """By operation: what each of its points came to."""

    def file(name: str) -> Path:
        return Path(shutil.copy(migrated_file, tmp_path_factory.mktemp(name) / "nexus.sqlite3"))

    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(running(tmp_path_factory.mktemp("sandbox"), seed=11))
        async with server(sandbox, file("undisturbed")) as (_, nexus, proxy):
            ends = await undisturbed(nexus, proxy, sandbox)
        all_of_them: list[tuple[str, Point | None]] = [
            (name, point) for name, end in ends.items() for point in end.points
        ]
        all_of_them += [(name, None) for name in CASES if name != "delete a level"]
        # A server carries out 32 operations at once, and those that stand still are among them.
        shares = -(-len(all_of_them) // 28)
        found = await asyncio.gather(
            *(killed(sandbox, file(f"killed{n}"), all_of_them[n::shares], ends) for n in range(shares))
        )
    whole = {key: outcome for one in found for key, outcome in one.items()}
    return {name: {k: v for k, v in whole.items() if k.startswith(f"{name}:")} for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_operation_should_come_to_the_same_when_its_server_is_killed(
    outcomes: dict[str, dict[str, Outcome]], name: str
) -> None:
    assert len(outcomes[name]) >= 4
    wrong = {point: repr(outcome) for point, outcome in outcomes[name].items() if outcome is not None}
    assert wrong == {}
