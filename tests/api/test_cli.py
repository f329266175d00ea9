"""`nexus` as an operator runs it: processes of its own, their exit codes and what they say."""

import asyncio
import base64
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from nexus_gql.app import CannotStart, check_reach
from nexus_gql.cli import app
from nexus_gql.configuration import Configuration
from nexus_gql.schema import sdl

from .server import NO_ENGINE

QUERY = {"query": "{ viewer { name via role } projects { path } }"}
PROJECT = {"query": 'mutation { createProject(input: {name: "or"}) { problems { code } } }'}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A user's surroundings with a data folder of the test's own and no Docker engine."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("NEXUS_", "DOCKER_"))}
    return plain | {"NEXUS_DATA": str(tmp_path / "data"), "NEXUS_DOCKER_URL": NO_ENGINE, "HOME": str(tmp_path)}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "nexus_gql.cli", *arguments]


def nexus(environment: dict[str, str], *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    return subprocess.run(
        command(*arguments), env=environment | more, capture_output=True, text=True, timeout=120, check=False
    )


class Serving:
    """A server in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, said: str) -> None:
        self.process = process
        self.url = url
        self.said = said

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code; what it still says is added to `said`."""
        self.process.send_signal(how)
        _, rest = await self.process.communicate()
        self.said += rest.decode()
        assert self.process.returncode is not None
        return self.process.returncode

    async def post(self, body: object, token: str | None = None) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        # A sandbox may be started for it. Without certificates, which take longer to read than the answer to come.
        async with httpx.AsyncClient(timeout=60, verify=False, trust_env=False) as client:
            return await client.post(f"{self.url}/graphql", json=body, headers=headers)


@asynccontextmanager
async def serving(environment: dict[str, str], *arguments: str, **more: str) -> AsyncIterator[Serving]:
    """`nexus serve` once it has said where it listens."""
    process = await asyncio.create_subprocess_exec(
        *command("serve", "--port", "0", *arguments),
        env=environment | more,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = ""
    try:
        async with asyncio.timeout(60):
            while (found := re.search(r"listens at (http://\S+)", said)) is None:
                line = await process.stderr.readline()
                assert line, said
                said += line.decode()
        yield Serving(process, found[1], said)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_serve_should_say_where_it_listens_answer_and_end_cleanly(environment: dict[str, str]) -> None:
    async with serving(environment) as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.url)
        assert f"{server.url}/graphiql" in server.said
        answer = (await server.post(QUERY)).json()
        assert answer["data"]["viewer"] == {"name": "local", "via": "loopback", "role": "ADMIN"}
        async with httpx.AsyncClient(timeout=60) as client:
            assert (await client.get(f"{server.url}/healthz")).status_code == 200
            assert (await client.get(f"{server.url}/readyz")).status_code == 200
        assert await server.stop() == 0
        assert "Traceback" not in server.said


async def subscribed(url: str, stack: AsyncExitStack) -> ClientConnection:
    """A WebSocket with a subscription that has had its first frame."""
    address = url.replace("http", "ws", 1) + "/graphql"
    made = connect(address, subprotocols=[Subprotocol("graphql-transport-ws")], open_timeout=60)
    connection = await stack.enter_async_context(made)
    payload = {"query": "subscription { clusters { kind } }"}
    for message in ({"type": "connection_init"}, {"id": "1", "type": "subscribe", "payload": payload}):
        await connection.send(json.dumps(message))
        answer = await connection.recv()
    assert json.loads(answer)["payload"]["data"]["clusters"]["kind"] == "SNAPSHOT"
    return connection


async def test_a_thousand_subscriptions_should_each_be_told_to_come_back(environment: dict[str, str]) -> None:
    async with AsyncExitStack() as stack, serving(environment, NEXUS_SHUTDOWN_TIMEOUT="50") as server:
        connections: list[ClientConnection] = []
        for _ in range(20):
            connections += await asyncio.gather(*(subscribed(server.url, stack) for _ in range(50)))
        async with asyncio.timeout(60):  # not how fast, which `scripts/bench stop` tells, but that it ends at all
            assert await server.stop() == 0
            await asyncio.gather(*(one.wait_closed() for one in connections))
    assert [one.close_code for one in connections] == [1012] * 1000
    assert "Traceback" not in server.said
    assert "Cancel" not in server.said  # nothing was left when the time for a graceful end was up


async def test_a_second_start_should_find_what_the_first_one_stored(environment: dict[str, str]) -> None:
    async with serving(environment) as server:
        assert (await server.post(PROJECT)).json()["data"]["createProject"]["problems"] == []
        assert await server.stop(signal.SIGINT) == 0
    async with serving(environment) as server:
        assert (await server.post(QUERY)).json()["data"]["projects"] == [{"path": "or"}]
        assert await server.stop() == 0
    key = Path(environment["NEXUS_DATA"]) / "vault.key"
    assert key.stat().st_mode & 0o077 == 0


async def test_a_server_that_was_killed_should_start_again_beside_its_torn_lock(environment: dict[str, str]) -> None:
    async with serving(environment) as server:
        await server.post(PROJECT)
        assert await server.stop(signal.SIGKILL) == -signal.SIGKILL
    data = Path(environment["NEXUS_DATA"])
    assert (data / "nexus.sqlite3.lock").exists()
    assert (data / "nexus.sqlite3-wal").exists()
    async with serving(environment) as server:
        assert (await server.post(QUERY)).json()["data"]["projects"] == [{"path": "or"}]
        assert await server.stop() == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.invalid", ""])
def test_only_loopback_should_be_listened_at_without_authentication(host: str) -> None:
    with pytest.raises(CannotStart, match="NEXUS_AUTHENTICATION=tokens"):
        check_reach(Configuration(host=host, authentication="none"))
    check_reach(Configuration(host=host, authentication="tokens"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_should_be_listened_at(host: str) -> None:
    check_reach(Configuration(host=host, authentication="none"))


def test_serve_should_refuse_every_address_without_authentication(environment: dict[str, str]) -> None:
    done = nexus(environment, "serve", "--port", "0", "--host", "0.0.0.0")
    assert done.returncode == 1
    assert "NEXUS_AUTHENTICATION=tokens" in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path(environment["NEXUS_DATA"]).exists()


async def test_serve_should_listen_anywhere_with_tokens_and_answer_only_to_them(environment: dict[str, str]) -> None:
    made = nexus(environment, "token", "first")
    assert (made.returncode, made.stderr) == (0, "")
    secret = made.stdout.strip()
    async with serving(environment, "--host", "0.0.0.0", NEXUS_AUTHENTICATION="tokens") as server:
        assert (await server.post(QUERY)).status_code == 401
        answer = (await server.post(QUERY, secret)).json()
        assert answer["data"]["viewer"] == {"name": "operator", "via": "token first", "role": "ADMIN"}
        later = nexus(environment, "token", "second", "--role", "viewer", "--expires-in", "1h")
        answer = (await server.post(QUERY, later.stdout.strip())).json()
        assert answer["data"]["viewer"] == {"name": "operator", "via": "token second", "role": "VIEWER"}
        assert await server.stop() == 0
        assert secret not in server.said


async def test_a_port_that_is_taken_should_be_a_sentence(environment: dict[str, str]) -> None:
    async with serving(environment) as server:
        port = server.url.rpartition(":")[2]
        done = await asyncio.to_thread(nexus, environment, "serve", "--port", port)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "in use" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["token", "t", "--role", "owner"], "VIEWER, DEPLOYER or ADMIN"),
        (["token", "t", "--path", "A B"], "DNS label"),
        (["token", "t", "--expires-in", "tomorrow"], "span of time"),
        (["serve", "--port", "70000"], "NEXUS_PORT"),
        (["serve", "--database", "mysql://root:hunter2@localhost/nexus"], "sqlite:///path/to/file"),
    ],
)
def test_a_wrong_option_should_be_a_sentence_and_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        app(arguments)
    assert exited.value.code == 2
    told = capsys.readouterr().err
    assert said in _one_line(told)
    assert "hunter2" not in told


def test_a_variable_that_is_no_list_should_be_a_sentence_and_exit_code_2(environment: dict[str, str]) -> None:
    done = nexus(environment | {"NEXUS_ALLOWED_HOSTS": "nexus.example"}, "serve")
    assert done.returncode == 2
    assert "allowed_hosts" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_that_cannot_be_should_be_a_sentence_and_exit_code_1(environment: dict[str, str]) -> None:
    done = nexus(environment, "token", "t", "--role", "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert "NONE" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_token_should_be_made_only_where_there_is_a_level(environment: dict[str, str]) -> None:
    async with serving(environment) as server:
        await server.post(PROJECT)
        assert await server.stop() == 0
    done = nexus(environment, "token", "t", "--path", "or/nope")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no `or/nope`" in done.stderr
    assert "Traceback" not in done.stderr
    done = nexus(environment, "token", "t", "--path", "or")
    assert (done.returncode, done.stdout[:4]) == (0, "nxs_")


def test_migrate_should_say_what_it_did_and_do_nothing_the_second_time(environment: dict[str, str]) -> None:
    first, second = nexus(environment, "migrate"), nexus(environment, "migrate")
    assert (first.returncode, second.returncode) == (0, 0)
    assert "0001_initial" in first.stderr
    assert "up to date" in second.stderr


@pytest.mark.parametrize(
    ("verb", "url"),
    [
        ("serve", "postgres://u:hunter2@127.0.0.1:1/nexus"),
        ("serve", "sqlite:///proc/no/nexus.sqlite3"),
        ("migrate", "postgres://u:hunter2@127.0.0.1:1/nexus"),
        ("doctor", "postgres://u:hunter2@127.0.0.1:1/nexus"),
    ],
)
def test_a_database_that_cannot_be_reached_should_be_a_sentence(
    environment: dict[str, str], verb: str, url: str
) -> None:
    done = nexus(environment, verb, "--database", url)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "database" in done.stderr or "No such file" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_schema_should_print_what_it_writes(environment: dict[str, str], tmp_path: Path) -> None:
    printed, written = nexus(environment, "schema"), nexus(environment, "schema", str(tmp_path / "schema.graphql"))
    assert (printed.returncode, written.returncode, written.stdout) == (0, 0, "")
    assert printed.stdout == (tmp_path / "schema.graphql").read_text() == sdl()


# ── doctor ──


def checks(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The outcome of each check by its name."""
    found = re.findall(r"^(PASSED|FAILED|SKIPPED) +([^:]+):", done.stderr, re.MULTILINE)
    return {name: outcome for outcome, name in found}


@pytest.fixture
def migrated(environment: dict[str, str]) -> dict[str, str]:
    assert nexus(environment, "migrate").returncode == 0
    return environment


def test_doctor_should_pass_without_an_engine_and_say_how_to_get_one(migrated: dict[str, str]) -> None:
    done = nexus(migrated, "doctor")
    found = checks(done)
    assert done.returncode == 0, done.stderr
    assert (found["configuration"], found["database"], found["vault key"]) == ("PASSED", "PASSED", "PASSED")
    assert (found["Docker engine"], found["clusters"]) == ("SKIPPED", "SKIPPED")
    assert "registerCluster" in done.stderr


def test_doctor_should_fail_where_the_database_was_not_migrated(environment: dict[str, str]) -> None:
    done = nexus(environment, "doctor")
    found = checks(done)
    assert done.returncode == 1
    assert (found["database"], found["clusters"]) == ("FAILED", "SKIPPED")
    assert "nexus migrate" in done.stderr


def test_doctor_should_fail_where_it_would_not_start(migrated: dict[str, str]) -> None:
    done = nexus(migrated, "doctor", NEXUS_HOST="0.0.0.0")
    assert done.returncode == 1
    assert checks(done)["configuration"] == "FAILED"
    assert "NEXUS_AUTHENTICATION=tokens" in _one_line(done.stderr)


async def test_a_wrong_vault_key_should_be_told_by_doctor_and_keep_the_server_from_starting(
    environment: dict[str, str],
) -> None:
    async with serving(environment) as server:
        assert await server.stop() == 0
    other = base64.b64encode(bytes(32)).decode()
    done = nexus(environment, "doctor", NEXUS_VAULT_KEY=other)
    assert done.returncode == 1
    assert checks(done)["vault key"] == "FAILED"
    assert "NEXUS_VAULT_KEY" in done.stderr
    started = nexus(environment, "serve", "--port", "0", NEXUS_VAULT_KEY=other)
    assert started.returncode == 1
    assert "Traceback" not in started.stderr
    assert other not in done.stderr + started.stderr
    malformed = nexus(environment, "doctor", NEXUS_VAULT_KEY="short")
    assert (malformed.returncode, checks(malformed)["vault key"]) == (1, "FAILED")


def test_a_file_that_is_no_database_should_not_be_written_to(environment: dict[str, str]) -> None:
    file = Path(environment["NEXUS_DATA"]) / "nexus.sqlite3"
    file.parent.mkdir()
    file.write_bytes(b"This is a text, and no database. " * 100)
    before = file.read_bytes()
    for verb in ("serve", "doctor"):
        done = nexus(environment, verb)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
    assert file.read_bytes() == before


def test_a_locked_database_should_be_waited_for_and_then_said(migrated: dict[str, str]) -> None:
    """Another process is in the middle of a write, such as a backup that hangs."""
    file = Path(migrated["NEXUS_DATA"]) / "nexus.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        done = nexus(migrated, "token", "t")
        connection.execute("ROLLBACK")
    assert done.returncode == 1
    assert "locked" in done.stderr
    assert "Traceback" not in done.stderr


# ── topology ──


GRAPH = """mutation {
  project: createProject(input: {name: "or"}) { problems { message } }
  environment: createEnvironment(input: {project: "or", name: "local", connect: {sandbox: true}}) { problems { message } }
  namespace: createNamespace(input: {environment: "or/local", name: "models"}) { problems { message } }
  features: createApplication(input: {namespace: "or/local/models", name: "features"}) { problems { message } }
  churn: createApplication(input: {namespace: "or/local/models", name: "churn",
    settings: {dependsOn: [{ref: "features", need: REQUIRED}, {ref: "ddk/store", need: OPTIONAL}]}}) { problems { message } }
}"""
DEPLOY = """mutation { deploy(path: "or/local/models/features", patch: {image: {repository: "or/model", tag: "1"}}) {
  operation { id } problems { message } } }"""
STATE = '{ application(path: "or/local/models/features") { serving } }'
TREE = """\
x or/local/models/churn MISSING AT_RISK
|- x or/local/ddk/store MISSING (optional)
`- + or/local/models/features HEALTHY
"""


BACK = """query ($id: ID!) { node(id: $id) { id }
  topology(scope: "or/local", filter: {focus: $id, depth: 0}) { nodes { id } } }"""


async def drawn(server: Serving) -> None:
    """A graph of three, of which one runs, on a sandbox."""
    made = (await server.post({"query": GRAPH})).json()["data"]
    assert all(not one["problems"] for one in made.values()), made
    assert (await server.post({"query": DEPLOY})).json()["data"]["deploy"]["problems"] == []
    async with asyncio.timeout(60):
        while not (await server.post({"query": STATE})).json()["data"]["application"]["serving"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_topology_should_print_the_graph_beside_a_server_and_without_one(environment: dict[str, str]) -> None:
    async with serving(environment) as server:
        await drawn(server)
        beside = await asyncio.to_thread(nexus, environment, "topology", "or/local")
        as_json = await asyncio.to_thread(nexus, environment, "topology", "or/local", "--format", "json")
        for identity in (one["id"] for one in json.loads(as_json.stdout)["nodes"]):
            answer = (await server.post({"query": BACK, "variables": {"id": identity}})).json()
            assert answer["data"] == {"node": {"id": identity}, "topology": {"nodes": [{"id": identity}]}}
        assert await server.stop() == 0
    alone = await asyncio.to_thread(nexus, environment, "topology", "or/local")
    for done in (beside, alone):
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == TREE
    within = nexus(environment, "topology", "or/local/models/features")
    assert within.stdout.splitlines() == [
        "x or/local/ddk/store MISSING",  # what impairs the neighbour
        "x or/local/models/churn MISSING AT_RISK",  # a neighbour
        "`- + or/local/models/features HEALTHY",
    ]
    found = {
        form: nexus(environment, "topology", "or/local", "--format", form).stdout for form in ("dot", "mermaid", "json")
    }
    assert found["dot"].startswith("digraph topology {")
    assert found["mermaid"].startswith("graph LR")
    nodes = {one["path"]: one["serving"] for one in json.loads(found["json"])["nodes"]}
    assert nodes == {"or/local/models/churn": False, "or/local/models/features": True, "or/local/ddk/store": False}


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [("or/nowhere", 1, "There is no `or/nowhere`."), ("A B", 2, "DNS label"), ("", 2, "")],
)
def test_topology_should_say_that_a_level_is_not_there(
    environment: dict[str, str], path: str, code: int, said: str
) -> None:
    done = nexus(environment, "topology", path)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in _one_line(done.stderr)
    assert "Traceback" not in done.stderr


async def test_topology_should_say_which_cluster_it_does_not_see(environment: dict[str, str]) -> None:
    async with serving(environment) as server:
        await drawn(server)
        assert await server.stop() == 0
    (folder,) = (Path(environment["NEXUS_DATA"]) / "sandboxes").iterdir()
    folder.rename(folder.with_name("lost"))
    done = await asyncio.to_thread(nexus, environment, "topology", "or/local")
    assert done.returncode == 0
    assert "`local` is not seen: " in done.stderr
    assert "UNKNOWN" in done.stdout


def _one_line(text: str) -> str:
    return " ".join(text.split())
