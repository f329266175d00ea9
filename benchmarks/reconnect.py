"""5,000 clients that come back at once, each for a snapshot of 20 frames: executions, time, and processor for each.

Run by `scripts/bench reconnect`. Baseline: the same clients one after another in small groups, a change between, so that nobody
shares a snapshot across groups. Prints a table; asserts nothing.
"""

import time
import urllib.request
from asyncio import Runner, to_thread

from parts.clients import Server, on_the_other_core, opened, serving

from nexus_gql.server import new_event_loop

CLIENTS = 5000
GROUP = 50
FRAMES = 20


def main() -> None:
    """Measure both ways."""
    print(f"{'way':<30}{'snapshots':>10}{'seconds':>9}{'ms CPU a client':>17}")
    rows = {f"{CLIENTS:,} at once": (CLIENTS, CLIENTS), f"{CLIENTS // 10} in groups of {GROUP}": (CLIENTS // 10, GROUP)}
    for name, (count, group) in rows.items():
        with Runner(loop_factory=new_event_loop) as runner:
            runner.run(_measure(name, count, group))


async def _measure(name: str, count: int, group: int) -> None:
    async with serving("nexus", str(FRAMES)) as server:
        on_the_other_core()
        started, kept = time.perf_counter(), []
        for _ in range(0, count, group):
            kept += await opened(server.port, group, first=FRAMES, at_once=min(group, 1000))
            if group < count:
                server.publish(1)
        took, cpu = time.perf_counter() - started, server.cpu()
        print(f"{name:<30}{await to_thread(_snapshots, server):>10}{took:>9.1f}{cpu / count * 1000:>17.2f}")


def _snapshots(server: Server) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return int(
        float(next(line for line in lines if line.startswith('nexus_executions_total{kind="snapshot"}')).split()[1])
    )


if __name__ == "__main__":
    main()
