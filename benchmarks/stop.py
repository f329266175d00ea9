"""SIGTERM with 1,000 and with 10,000 subscriptions, each on a connection of its own: close codes, and seconds until the process is gone.

Run by `scripts/bench stop`. Baseline: `nexus serve` with nobody connected. Prints a table; asserts nothing.
"""

import asyncio
import resource
import signal
import tempfile
import time
from asyncio import Runner
from collections import Counter
from contextlib import suppress
from pathlib import Path

from parts.clients import CORES, Client, cpu_of, on_the_other_core, opened
from parts.product import server

from nexus_gql.server import new_event_loop

COUNTS = (0, 1_000, 10_000)
LIMIT = 30.0
_DOCUMENT = "subscription { clusters { kind } }"


def main() -> None:
    """Measure each."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(
        f"{'subscriptions':>13}{'s until gone':>14}{'s CPU':>8}   close codes (wanted: 1012 for each, 1,000 within 2 s)"
    )
    for count in COUNTS:
        with Runner(loop_factory=new_event_loop) as runner:
            runner.run(_measure(count))


async def _measure(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with server(Path(folder), core=CORES[0]) as nexus:
            on_the_other_core()
            clients = await opened(int(nexus.url.rpartition(":")[2]), count, document=_DOCUMENT)
            now = cpu = cpu_of(nexus.process.pid)
            started = time.perf_counter()
            nexus.process.send_signal(signal.SIGTERM)
            while nexus.process.returncode is None and time.perf_counter() - started < LIMIT:
                with suppress(FileNotFoundError, ProcessLookupError):  # it is gone just now
                    now = cpu_of(nexus.process.pid)
                await asyncio.sleep(0.005)
            took = time.perf_counter() - started
            await asyncio.sleep(0.5)  # what is on the way still arrives
            print(f"{count:>13,}{took:>14.2f}{now - cpu:>8.2f}   {_codes(clients)}")


def _codes(clients: list[Client]) -> str:
    return ", ".join(f"{code or 'none'}: {count:,}" for code, count in Counter(one.code for one in clients).items())


if __name__ == "__main__":
    main()
