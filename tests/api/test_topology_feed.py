"""The feed of the graph, as subscribers see it: whoever applies its frames in order holds what a query answers."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from . import sandboxed
from .hierarchy import configure, declare
from .people import person
from .sandboxed import Sandbox
from .server import Frames, Nexus
from .topology_graph import WORKFLOW, declare_workflow
from .topology_world import DDK, MODELS, deployed, done, on

SHOWN = """rootCauses_ nodes { id label kind path group impairment serving causes outside replicas { desired current ready updated available }
    state { status reason message stale } }
  edges { id from to need healthy sources { kind evidence } }"""
FEED = f"""subscription ($scope: Path!, $filter: TopologyFilter) {{ topology(scope: $scope, filter: $filter) {{
  kind position complete removedNodes removedEdges sources {{ cluster connection {{ status }} }} {SHOWN.replace("rootCauses_", "rootCauses")} }} }}"""
QUERY = f"""query ($scope: Path!, $filter: TopologyFilter) {{ topology(scope: $scope, filter: $filter) {{
  {SHOWN.replace("rootCauses_", "rootCauses { id }")} }} }}"""


class Screen:
    """What one subscriber draws."""

    def __init__(self, nexus: Nexus, frames: Frames, variables: Any, token: str | None) -> None:
        self.nexus, self.frames, self.variables, self.token = nexus, frames, variables, token
        self.nodes: dict[str, Any] = {}
        self.edges: dict[str, Any] = {}
        self.roots: list[str] = []
        self.position: str | None = None

    async def take(self, limit: float = 20) -> Any:
        """Apply a frame, which holds nothing that was held already."""
        answer = await self.frames.next(limit)
        assert answer is not None
        frame = answer["topology"]
        if frame["kind"] == "SNAPSHOT" and frame["position"] != self.position:
            self.nodes, self.edges = {}, {}
        self.position = frame["position"]
        for gone in frame["removedEdges"]:
            del self.edges[gone]
        for gone in frame["removedNodes"]:
            del self.nodes[gone]
        for held, sent in ((self.nodes, frame["nodes"]), (self.edges, frame["edges"])):
            for one in sent:
                assert held.get(one["id"]) != one, "it is sent, and shown as before"
                held[one["id"]] = one
        if frame["complete"]:
            # A filter aside, whatever impairs what is shown is there, and told.
            causes = {cause for one in self.nodes.values() for cause in one["causes"]}
            assert self.variables["filter"] or causes <= self.nodes.keys()
            # Nodes come before their edges, and go after them.
            assert {end for one in self.edges.values() for end in (one["from"], one["to"])} <= self.nodes.keys()
        self.roots = frame["rootCauses"]
        return frame

    async def asked(self) -> Any:
        """The same by a query."""
        found = (await self.nexus.execute(QUERY, self.variables, self.token))["topology"]
        return (
            {one["id"]: one for one in found["nodes"]},
            {one["id"]: one for one in found["edges"]},
            [one["id"] for one in found["rootCauses"]],
        )

    async def catch_up(self) -> None:
        """Take frames until what is drawn is what a query answers."""
        for _ in range(200):
            if await self.asked() == (self.nodes, self.edges, self.roots):
                return
            try:
                await self.take(0.5)
            except TimeoutError:
                continue
        nodes, edges, roots = await self.asked()
        assert (self.nodes, self.edges, self.roots) == (nodes, edges, roots)

    async def quiet(self) -> None:
        """Whatever is under way has come."""
        with suppress(TimeoutError):
            while True:
                await self.catch_up()
                await self.take(0.5)


class Screens:
    """Subscribers, until they are left."""

    def __init__(self, nexus: Nexus, stack: AsyncExitStack) -> None:
        self._nexus, self._stack = nexus, stack
        self.all: list[Screen] = []

    async def join(self, scope: str, token: str | None = None, **wanted: Any) -> Screen:
        variables = {"scope": scope, "filter": wanted or None}
        frames = await self._stack.enter_async_context(self._nexus.subscribe(FEED, variables, token))
        self.all.append(Screen(self._nexus, frames, variables, token))
        return self.all[-1]


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with sandboxed.running(tmp_path, seed=712) as one:
        yield one


@pytest.fixture
async def screens(guarded: Nexus, sandbox: Sandbox) -> AsyncIterator[Screens]:
    await on(guarded, sandbox)
    async with AsyncExitStack() as stack:
        yield Screens(guarded, stack)


# ── random changes ──


class Changes:
    """What people do to applications, seeded."""

    def __init__(self, nexus: Nexus, sandbox: Sandbox, seed: int) -> None:
        self.nexus, self.sandbox, self.chance = nexus, sandbox, random.Random(seed)
        self.declared: list[str] = []
        self.deployed: list[str] = []

    async def one(self, step: int) -> str:
        what = self.chance.choice(
            [
                self.declare,
                self.declare,
                self.deploy,
                self.deploy,
                self.scale,
                self.scale,
                self.cut,
                self.configure,
                self.delete,
                self.flow,
            ]
        )
        await what(step)
        return f"{step} {what.__name__}"

    def needs(self, path: str) -> Any:
        others = [one for one in self.declared if one != path] + ["or/local/ddk/nobody"]
        chosen = self.chance.sample(others, min(len(others), self.chance.randrange(3)))
        return [{"ref": one, "need": self.chance.choice(["REQUIRED", "REQUIRED", "OPTIONAL"])} for one in chosen]

    async def declare(self, step: int) -> None:
        path = f"or/local/{self.chance.choice(['ddk', 'models'])}/a{step}"
        await declare(self.nexus, path, settings={"dependsOn": self.needs(path)})
        self.declared.append(path)

    async def deploy(self, step: int) -> None:
        if not self.declared:
            return await self.declare(step)
        path = self.chance.choice(self.declared)
        answer = await self.nexus.execute(
            f'mutation {{ deploy(path: "{path}") {{ operation {{ id }} problems {{ code }} }} }}'
        )
        if answer["deploy"]["problems"]:
            assert answer["deploy"]["problems"][0]["code"] == "MISSING_REFERENCE"
            await configure(self.nexus, path, {"dependsOn": None})
            return None
        self.deployed.append(path)
        return None

    async def scale(self, step: int) -> None:
        if not self.deployed:
            return await self.deploy(step)
        path, count = self.chance.choice(self.deployed), self.chance.randrange(3)
        await self.nexus.execute(
            f'mutation {{ scale(path: "{path}", replicas: {count}) {{ operation {{ id }} problems {{ code }} }} }}'
        )
        return None

    async def cut(self, step: int) -> None:
        """Take away a Service behind the back of everybody."""
        namespace = self.chance.choice([DDK, MODELS])
        listed = await self.sandbox.get(f"/api/v1/namespaces/{namespace}/services")
        names = [one["metadata"]["name"] for one in (listed or {"items": []})["items"]]
        if names:
            await self.sandbox.delete(f"/api/v1/namespaces/{namespace}/services/{self.chance.choice(names)}")

    async def configure(self, step: int) -> None:
        if not self.declared:
            return await self.declare(step)
        path = self.chance.choice(self.declared)
        await configure(self.nexus, path, {"dependsOn": None})
        await configure(self.nexus, path, {"dependsOn": self.needs(path)})
        return None

    async def delete(self, step: int) -> None:
        if not self.declared:
            return await self.declare(step)
        path = self.declared.pop(self.chance.randrange(len(self.declared)))
        self.deployed = [one for one in self.deployed if one != path]
        await self.nexus.execute(
            f'mutation {{ deleteLevel(path: "{path}", remove: true) {{ operation {{ id }} problems {{ code }} }} }}'
        )
        return None

    async def flow(self, step: int) -> None:
        wanted = self.chance.sample(self.declared, min(2, len(self.declared)))
        await declare_workflow(self.nexus, f"flow{step % 2}", *wanted, "or/local/models/nobody")


@pytest.mark.parametrize("seed", [1, 2])
async def test_frames_in_order_should_give_what_a_query_does_after_any_changes(
    guarded: Nexus, sandbox: Sandbox, screens: Screens, seed: int
) -> None:
    ann = await person(guarded, "ann", {"or/local/models": "VIEWER"})
    bob = await person(guarded, "bob", {"or/local": "VIEWER"})
    await screens.join("or/local")
    await screens.join("or/local/models")
    await screens.join("or", unhealthyOnly=True)
    await screens.join("or/local/models", ann)
    await screens.join("or/local", bob, kinds=["APPLICATION", "WORKFLOW"])
    changes = Changes(guarded, sandbox, seed)
    told = []
    for step in range(20):
        told.append(await changes.one(step))
        if step in {6, 13}:
            await screens.join("or/local")
            await screens.join("or/local/models", ann)
        for screen in screens.all:
            await screen.catch_up()
    for screen in screens.all:
        await screen.quiet()
    print(" ".join(told))
    assert max(len(screen.nodes) for screen in screens.all) > 3


# ── how little is sent ──


async def test_a_pod_that_becomes_ready_should_send_what_is_shown_otherwise_and_nothing_else(
    guarded: Nexus, screens: Screens
) -> None:
    names = {}
    for path, needs in (
        ("or/local/ddk/store", []),
        ("or/local/ddk/other", []),
        ("or/local/models/churn", [{"ref": "ddk/store"}]),
        ("or/local/models/apart", [{"ref": "ddk/other"}]),
    ):
        names[f"TopologyNode:application:{(await deployed(guarded, path, dependsOn=needs)).partition(':')[2]}"] = path
    await done(guarded, 'scale(path: "or/local/ddk/store", replicas: 0)')
    screen = await screens.join("or/local")
    await screen.quiet()
    assert {names[one] for one in screen.roots} == {"or/local/ddk/store"}

    before = dict(screen.nodes)
    await guarded.mutate(
        'mutation { scale(path: "or/local/ddk/store", replicas: 1) { operation { id } problems { code } } }'
    )
    sent: set[str] = set()
    edges: set[str] = set()
    while (
        screen.roots or not screen.nodes[next(one for one, path in names.items() if path.endswith("store"))]["serving"]
    ):
        frame = await screen.take()
        assert frame["kind"] == "CHANGES"
        sent |= {names[one["id"]] for one in frame["nodes"]}
        edges |= {one["id"] for one in frame["edges"]}
    await screen.quiet()
    assert sent == {"or/local/ddk/store", "or/local/models/churn"}
    assert len(edges) == 1
    assert {names[key] for key, node in screen.nodes.items() if node != before[key]} == sent


async def test_what_is_not_shown_should_send_nothing(guarded: Nexus, screens: Screens) -> None:
    await deployed(guarded, "or/local/ddk/store")
    await deployed(guarded, "or/local/models/churn")
    screen = await screens.join("or/local/models")
    await screen.quiet()
    await done(guarded, 'scale(path: "or/local/ddk/store", replicas: 0)')
    await configure(guarded, "or/local/models/churn", {"env": [{"name": "A", "value": {"text": "a"}}]})
    await done(guarded, 'restart(path: "or/local/ddk/store")')
    with pytest.raises(TimeoutError):
        await screen.take(1)


PODS = "query ($path: Path!) { application(path: $path) { workload { replicas { desired current ready updated available } } } }"


async def test_pods_that_come_and_go_should_be_sent_though_the_verdict_stays(guarded: Nexus, screens: Screens) -> None:
    """The feed said that a job's pod was there long after it had ended: the verdict on the job was the same after each run."""
    await deployed(guarded, "or/local/ddk/backup", workload="CRON_JOB", schedule={"cron": "0 3 1 1 *"})
    screen = await screens.join("or/local")
    for _ in range(3):
        await done(guarded, 'run(path: "or/local/ddk/backup")')
        await screen.quiet()
        (node,) = screen.nodes.values()
        runs = (await guarded.execute(PODS, {"path": "or/local/ddk/backup"}))["application"]["workload"]["replicas"]
        assert node["replicas"] == runs == dict.fromkeys(runs, 0)


async def test_what_impairs_a_scope_should_come_and_go_with_its_impairment(guarded: Nexus, screens: Screens) -> None:
    paths = {}
    for path, needs in (
        ("or/local/ddk/store", []),
        ("or/local/ddk/features", ["store"]),
        ("or/local/ddk/board", ["features"]),
        ("or/local/models/churn", ["ddk/board"]),
    ):
        key = await deployed(guarded, path, dependsOn=[{"ref": one} for one in needs])
        paths[f"TopologyNode:application:{key.partition(':')[2]}"] = path.rpartition("/")[2]
    screen = await screens.join("or/local/models")
    await screen.quiet()
    assert {paths[key] for key in screen.nodes} == {"churn", "board"}
    for replicas, more in ((0, {"store"}), (1, set[str]())):
        await done(guarded, f'scale(path: "or/local/ddk/store", replicas: {replicas})')
        await screen.quiet()
        outside = {paths[key] for key, node in screen.nodes.items() if node["outside"]}
        assert (outside, {paths[key] for key in screen.roots}) == ({"board"} | more, more)
        assert len(screen.edges) == 1


# ── ends and losses ──


async def test_a_deleted_scope_should_take_away_what_was_shown_and_complete(guarded: Nexus, screens: Screens) -> None:
    await declare(guarded, "or/local/ddk/store")
    await declare(guarded, "or/local/models/churn", settings={"dependsOn": [{"ref": "ddk/store"}]})
    ann = await person(guarded, "ann", {"or/local/models": "VIEWER"})
    mine, theirs = await screens.join("or/local/models"), await screens.join("or/local/models", ann)
    for screen in (mine, theirs):
        await screen.quiet()
    assert (len(mine.nodes), len(theirs.nodes)) == (2, 2)
    hidden = mine.nodes.keys() - theirs.nodes.keys()
    await guarded.mutate('mutation { deleteLevel(path: "or/local/models") { deleted problems { code } } }')
    for screen in (mine, theirs):
        held = screen.nodes.keys() | screen.edges.keys()
        texts = []
        while (answer := await screen.frames.next()) is not None:
            frame = answer["topology"]
            texts.append(answer.text)
            assert frame["kind"] == "CHANGES"
            held -= {*frame["removedNodes"], *frame["removedEdges"]}
        assert held == set()
    assert not [one for one in hidden for text in texts if one in text]


async def test_a_lost_cluster_should_be_told_and_what_stood_stand(guarded: Nexus, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        screens = Screens(guarded, stack)
        folder = tmp_path / "lost"
        folder.mkdir()
        async with sandboxed.running(folder, seed=713) as sandbox:
            await on(guarded, sandbox)
            await deployed(guarded, "or/local/models/churn")
            screen = await screens.join("or/local")
            await screen.quiet()
            (node,) = screen.nodes.values()
        stale = await screen.take(30)
        while stale["kind"] != "STALE":
            stale = await screen.take(30)
        assert (stale["nodes"], stale["edges"], stale["rootCauses"]) == ([], [], [])
        assert stale["sources"][0]["connection"]["status"] != "CONNECTED"
        await screen.catch_up()
        (after,) = screen.nodes.values()
        assert (after["serving"], after["state"]["status"], after["state"]["stale"]) == (True, "HEALTHY", True)
        assert after["id"] == node["id"]


# ── health, which is fed from the graph ──

HEALTH = """subscription ($scope: Path!) { health(scope: $scope) { kind
  upserted { path ready impairment serving blockedBy { path } } removed } }"""


async def test_the_health_of_another_should_send_those_that_depend_on_it(guarded: Nexus, screens: Screens) -> None:
    await deployed(guarded, "or/local/ddk/store")
    await deployed(guarded, "or/local/models/churn", dependsOn=[{"ref": "ddk/store"}])
    await deployed(guarded, "or/local/models/apart")
    screen = await screens.join("or/local")
    await screen.quiet()
    async with guarded.subscribe(HEALTH, {"scope": "or/local/models"}) as frames:
        first = await frames.next()
        assert first is not None
        held = {one["path"]: one for one in first["health"]["upserted"]}
        assert held["or/local/models/churn"] == {
            "path": "or/local/models/churn",
            "ready": True,
            "impairment": "NONE",
            "serving": True,
            "blockedBy": [],
        }
        for replicas, impairment in ((0, "IMPAIRED"), (1, "NONE")):
            await guarded.mutate(
                f'mutation {{ scale(path: "or/local/ddk/store", replicas: {replicas}) {{ operation {{ id }} problems {{ code }} }} }}'
            )
            while held["or/local/models/churn"]["impairment"] != impairment:
                answer = await frames.next()
                assert answer is not None
                (churn,) = answer["health"]["upserted"]
                assert churn["path"] == "or/local/models/churn"
                assert churn["ready"] is (churn["impairment"] == "NONE")
                held[churn["path"]] = churn
        # A name that became another is no health.
        rename = 'mutation { updateLevel(path: "or/local/models/churn", input: {displayName: "Churn"}) { problems { code } } }'
        await guarded.mutate(rename)
        while not any(one["label"] == "Churn" for one in screen.nodes.values()):
            await screen.take()
        with pytest.raises(TimeoutError):
            await frames.next(0.3)


async def test_what_blocks_an_application_should_be_sent_when_it_becomes_another(
    guarded: Nexus, screens: Screens
) -> None:
    store, weather = "or/local/ddk/store", "or/local/ddk/weather"
    for path in (store, weather):
        await deployed(guarded, path)
    await deployed(guarded, "or/local/models/churn", dependsOn=[{"ref": "ddk/store"}, {"ref": "ddk/weather"}])
    await deployed(guarded, "or/local/models/fraud", dependsOn=[{"ref": "ddk/weather"}])
    await done(guarded, f'scale(path: "{weather}", replicas: 0)')
    await (await screens.join("or/local")).quiet()
    async with guarded.subscribe(HEALTH, {"scope": "or/local/models"}) as frames:
        first = await frames.next()
        assert first is not None
        assert [one["blockedBy"] for one in first["health"]["upserted"]] == [[{"path": weather}]] * 2
        await done(guarded, f'scale(path: "{store}", replicas: 0)')
        answer = await frames.next()
        assert answer is not None
        (churn,) = answer["health"]["upserted"]
        assert (churn["path"], churn["impairment"]) == ("or/local/models/churn", "IMPAIRED")
        assert churn["blockedBy"] == [{"path": store}, {"path": weather}]


async def test_an_application_should_be_sent_once_it_is_declared_and_once_it_is_gone(
    guarded: Nexus, screens: Screens
) -> None:
    screen = await screens.join("or/local/models")
    await screen.catch_up()
    await guarded.mutate(WORKFLOW, {"environment": "or/local", "name": "early", "requires": ["or/local/models/churn"]})
    await screen.catch_up()
    assert [one["label"] for one in screen.nodes.values() if not one["outside"]] == ["or/local/models/churn"]
    key = await declare(guarded, "or/local/models/churn")
    await screen.catch_up()
    assert f"TopologyNode:application:{key.partition(':')[2]}" in screen.nodes
    await guarded.mutate('mutation { deleteLevel(path: "or/local/models/churn") { deleted problems { code } } }')
    await screen.quiet()
    assert len(screen.nodes) == 2
