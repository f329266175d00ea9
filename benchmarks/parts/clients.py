"""Many WebSocket clients in one process, on another core than the server: they count what comes and look at little of it."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
FIELDS = " ".join(f"f{n}" for n in range(12))
DOCUMENT = f"subscription ($cohort: Int = 0) {{ changes(cohort: $cohort) {{ {FIELDS} }} }}"
PLAIN = f"subscription {{ changes {{ {FIELDS} }} }}"
_QUIET = 0.4
_PING = b"\x89"
CORES = sorted(os.sched_getaffinity(0))


@dataclass
class Server:
    """A process that is measured."""

    process: subprocess.Popen[str]
    port: int

    def publish(self, count: int) -> None:
        """So many changes in one turn of its loop."""
        assert self.process.stdin
        self.process.stdin.write(f"publish {count}\n")
        self.process.stdin.flush()

    def cpu(self) -> float:
        """Seconds of processor time that it took so far."""
        return cpu_of(self.process.pid)

    def memory(self) -> int:
        """Kilobytes that are resident."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def cpu_of(pid: int) -> float:
    """Seconds of processor time that a process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@asynccontextmanager
async def serving(*command: str) -> AsyncIterator[Server]:
    """A server of `parts.servers`, or any command, on the first core; ends with the block."""
    line = command if command[0] == "node" else (sys.executable, "-m", "parts.servers", *command)
    process = subprocess.Popen(line, cwd=_HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220  # nothing else runs yet
    os.sched_setaffinity(process.pid, CORES[:1])
    try:
        assert process.stdout
        yield Server(process, int(await asyncio.to_thread(process.stdout.readline)))
    finally:
        process.kill()  # how it ends in good order is not measured here
        process.wait()


class Client(asyncio.Protocol):
    """One connection with one subscription. `frames` counts what came after the handshake."""

    def __init__(self, host: str, document: str, variables: dict[str, Any], first: int) -> None:
        self._request = (host, document, variables)
        self._first = first
        self._buffer = b""
        self._upgraded = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.frames = -1  # the acknowledgement
        self.heard: Callable[[bytes], None] | None = None
        "Is given what comes, which nobody looks at any more."
        self.code: int | None = None
        "With what the server closed."
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        host, document, variables = self._request
        self.transport = transport  # type: ignore[assignment]
        assert self.transport
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET /graphql HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )
        payload = {"query": document, "variables": variables}
        self.transport.write(head.encode())
        self._subscribe = _masked({"id": "1", "type": "subscribe", "payload": payload})

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing should end by itself."""
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Count."""
        if self.heard is not None:
            self.heard(data if _PING not in (data[:1], data[-6:-5]) else self._answered(data))
            return
        self._buffer += data
        if not self._upgraded:
            head, end, self._buffer = self._buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            assert head.startswith(b"HTTP/1.1 101"), head[:200]
            self._upgraded = True
            assert self.transport
            self.transport.write(_masked({"type": "connection_init"}))
        while self._frame():
            pass

    def _answered(self, data: bytes) -> bytes:
        """What came without the ping before or behind it: whoever does not answer within 20 s is dropped."""
        assert self.transport
        if data[:1] == _PING:
            end = 2 + data[1]
            ping, rest = data[:end], data[end:]
        elif data[-6:-4] == _PING + b"\x04":
            ping, rest = data[-6:], data[:-6]
        else:
            return data
        self.transport.write(bytes((0x8A, 0x80 | ping[1])) + bytes(4) + ping[2:])
        return rest

    def _frame(self) -> bool:
        data = self._buffer
        if len(data) < 2:
            return False
        start, length = 2, data[1]
        if length == 126:
            start, length = 4, int.from_bytes(data[2:4], "big")
        elif length == 127:
            start, length = 10, int.from_bytes(data[2:10], "big")
        if len(data) < start + length:
            return False
        self._buffer = data[start + length :]
        if data[0] == 0x89:
            assert self.transport
            self.transport.write(bytes((0x8A, 0x80 | length)) + bytes(4) + data[start : start + length])
            return True
        if data[0] == 0x88:
            self.code = int.from_bytes(data[start : start + 2], "big")
            return True
        assert b'"type":"error"' not in data[start : start + 80], data[start : start + length]
        self._took()
        return True

    def _took(self) -> None:
        assert self.transport
        self.frames += 1
        if self.frames == 0:
            self.transport.write(self._subscribe)
        if self.frames == self._first:
            self.ready.set_result(None)


def _masked(message: object) -> bytes:
    """A client's frame; its mask is all zeros, so that it reads as it is."""
    text = json.dumps(message).encode()
    size = bytes((0x80 | len(text),)) if len(text) < 126 else bytes((0x80 | 126,)) + len(text).to_bytes(2, "big")
    return bytes((0x81,)) + size + bytes(4) + text


async def opened(
    port: int, count: int, *, document: str = PLAIN, cohorts: int = 1, first: int = 1, at_once: int = 100
) -> list[Client]:
    """So many clients that have had their first frames; they connect at most a hundred at once."""
    loop = asyncio.get_running_loop()
    clients: list[Client] = []
    for start in range(0, count, at_once):
        numbers = range(start, min(count, start + at_once))
        made = [
            loop.create_connection(
                lambda n=number: Client(  # type: ignore[misc]
                    f"127.0.0.1:{port}", document, {"cohort": n % cohorts} if cohorts > 1 else {}, first
                ),
                "127.0.0.1",
                port,
            )
            for number in numbers
        ]
        group = [client for _, client in await asyncio.gather(*made)]
        await asyncio.gather(*(client.ready for client in group))
        clients += group
    return clients


class Tally:
    """Bytes that came to all clients together: one addition for each read is all that a client costs."""

    def __init__(self) -> None:
        self.bytes = 0
        self._wanted = sys.maxsize
        self._there: asyncio.Future[None] | None = None

    def heard(self, data: bytes) -> None:
        """Some came."""
        self.bytes += len(data)
        if self.bytes >= self._wanted and self._there is not None:
            self._wanted = sys.maxsize
            self._there.set_result(None)

    def reach(self, wanted: int) -> asyncio.Future[None]:
        """Done once there are so many."""
        self._wanted, self._there = wanted, asyncio.get_running_loop().create_future()
        return self._there


@dataclass(frozen=True)
class Measured:
    """What fanning out cost."""

    deliveries: int
    wall: float
    cpu: float

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self.deliveries / self.wall

    @property
    def cost(self) -> float:
        """Microseconds of the server's processor for each."""
        return self.cpu / self.deliveries * 1e6


async def fan_out(server: Server, clients: Sequence[Client], *, burst: int, seconds: float) -> Measured:
    """Publish, wait until everybody has it, and again."""
    tally = Tally()
    for client in clients:
        client.heard = tally.heard
    server.publish(burst)
    expected = await _settled(tally)
    rounds, cpu, started = 0, server.cpu(), time.perf_counter()
    while time.perf_counter() - started < seconds:
        there = tally.reach(expected * (rounds + 2))
        server.publish(burst)
        async with asyncio.timeout(30):
            await there
        rounds += 1
    wall = time.perf_counter() - started
    return Measured(rounds * burst * len(clients), wall, server.cpu() - cpu)


async def _settled(tally: Tally) -> int:
    """How many bytes one round is."""
    before = -1
    while (now := tally.bytes) != before or not now:
        before = now
        await asyncio.sleep(_QUIET)
    return now


def on_the_other_core() -> None:
    """This process keeps off the server's core, where there are two."""
    os.sched_setaffinity(0, CORES[-1:])
