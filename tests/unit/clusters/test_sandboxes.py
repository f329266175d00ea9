"""Sandboxes as processes of their own: started, shared, lost, found again and ended. Real processes, so these wait for what happens."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from nexus_gql.clusters import ClusterKind, Connection, Sandboxes, Surroundings, Target, Unreachable, opened
from nexus_gql.clusters.link import cluster_uid

KEY = str(uuid4())
WEB = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}}
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@asynccontextmanager
async def reached(sandboxes: Sandboxes) -> AsyncIterator[Connection]:
    """A connection to the sandbox of these tests."""
    wanted = Target(ClusterKind.SANDBOX, sandbox=KEY)
    async with opened(wanted, Surroundings(sandboxes=sandboxes)) as connection:
        yield connection


async def pid(sandboxes: Sandboxes) -> int:
    """Which process it is, once it answers."""
    await sandboxes.kubeconfig(KEY)
    return int(msgspec.json.decode((folder_of(sandboxes) / "state.json").read_bytes())["pid"])


def folder_of(sandboxes: Sandboxes) -> Path:
    """Where its files lie."""
    return sandboxes.folder / KEY


def runs(process: int) -> bool:
    """Whether a process is there with all that it holds; one that nobody has waited for yet is not.

    The first of its threads can be over while others still end, and with them its open files: its lock is among these.
    """
    try:
        threads = len(list(Path(f"/proc/{process}/task").iterdir()))
        return threads > 1 or Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def ended(process: int) -> None:
    """Wait until a process is gone."""
    async with asyncio.timeout(30):
        while runs(process):  # noqa: ASYNC110 - nobody tells when a process that is another's ends
            await asyncio.sleep(0.02)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a place for the sandbox of these tests."""
    Sandboxes(tmp_path).make(KEY)
    return tmp_path


async def test_a_sandbox_should_answer_and_end_with_its_owner(folder: Path) -> None:
    async with Sandboxes(folder) as sandboxes:
        async with reached(sandboxes) as connection:
            assert b"nexus-sandbox" in await connection.get("/version")
        process = await pid(sandboxes)
    await ended(process)
    assert not (folder / KEY / "state.json").exists()


async def test_an_address_should_not_hold_the_token(folder: Path) -> None:
    async with Sandboxes(folder) as sandboxes, reached(sandboxes) as connection:
        token = msgspec.json.decode((folder / KEY / "state.json").read_bytes())["token"]
        assert token not in connection.server


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_sandbox_that_ended_should_come_back_as_it_was(folder: Path, how: signal.Signals) -> None:
    async with Sandboxes(folder) as sandboxes:
        async with reached(sandboxes) as connection:
            uid = await cluster_uid(connection)
            made = await connection.send("POST", CONFIG_MAPS, WEB)
        first = await pid(sandboxes)
        os.kill(first, how)
        await ended(first)
        async with reached(sandboxes) as connection:
            assert await cluster_uid(connection) == uid
            assert await connection.get(f"{CONFIG_MAPS}/web") == made
        assert await pid(sandboxes) != first


async def test_what_a_sandbox_holds_should_be_there_after_its_owner_started_again(folder: Path) -> None:
    async with Sandboxes(folder) as sandboxes, reached(sandboxes) as connection:
        made = await connection.send("POST", CONFIG_MAPS, WEB)
    async with Sandboxes(folder) as sandboxes, reached(sandboxes) as connection:
        assert await connection.get(f"{CONFIG_MAPS}/web") == made


async def test_the_second_should_use_the_first_ones_sandbox_and_take_it_over(folder: Path) -> None:
    async with Sandboxes(folder) as second:
        async with Sandboxes(folder) as first:
            process = await pid(first)
            async with reached(second) as connection:
                made = await connection.send("POST", CONFIG_MAPS, WEB)
            assert await pid(second) == process
        await ended(process)
        async with reached(second) as connection:
            assert await connection.get(f"{CONFIG_MAPS}/web") == made


async def test_many_that_ask_at_once_should_start_one(folder: Path) -> None:
    async with Sandboxes(folder) as first, Sandboxes(folder) as second:
        assert len(set(await asyncio.gather(*(pid(one) for one in (first, second) * 4)))) == 1


async def test_a_sandbox_should_end_with_an_owner_that_is_killed(folder: Path) -> None:
    script = (
        "import asyncio, sys, time\n"
        "from pathlib import Path\n"
        "from nexus_gql.clusters import Sandboxes\n"
        f"asyncio.run(Sandboxes(Path(sys.argv[1])).kubeconfig({KEY!r}))\n"
        "print('started', flush=True)\n"
        "time.sleep(600)\n"
    )
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    assert await owner.stdout.readline() == b"started\n"
    async with Sandboxes(folder) as other:
        process = await pid(other)
        owner.kill()
        await owner.wait()
        await ended(process)
        assert await pid(other) != process


async def test_a_discarded_sandbox_should_leave_nothing_whoever_started_it(folder: Path) -> None:
    async with Sandboxes(folder) as first, Sandboxes(folder) as second:
        process = await pid(first)
        await second.discard(KEY)
        await ended(process)
        assert [*Path.iterdir(folder)] == []
        with pytest.raises(Unreachable, match=r"files of this sandbox are gone"):
            await first.kubeconfig(KEY)


async def test_a_sandbox_that_cannot_start_should_say_why(folder: Path) -> None:
    (folder / KEY / "objects").write_bytes(b"\x00\x00\x00\x01\x00")
    async with Sandboxes(folder) as sandboxes:
        with pytest.raises(
            Unreachable, match=r"The sandbox cannot be started: it ended with code 1: .*ValidationError"
        ):
            await sandboxes.kubeconfig(KEY)


async def test_a_sandbox_made_anew_should_be_the_same_cluster(folder: Path) -> None:
    uids = []
    for _ in range(2):
        async with Sandboxes(folder) as sandboxes:
            sandboxes.make(KEY)
            async with reached(sandboxes) as connection:
                uids.append(await cluster_uid(connection))
            await sandboxes.discard(KEY)
    assert uids[0] == uids[1]
