"""5,000 clients that come back at once, each for a snapshot of 20 frames: executions, time, and processor for each.

Run by `scripts/bench reconnect`. Baseline: the same clients one after another in small groups, a change between, so that nobody
shares a snapshot across groups. Prints a table; asserts nothing.
"""

import time
from asyncio import Runner

from parts.clients import on_the_other_core, opened, serving
from parts.executions import executions

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
        executed = await executions(f"http://127.0.0.1:{server.port}", "snapshot")
        print(f"{name:<30}{executed:>10}{took:>9.1f}{cpu / count * 1000:>17.2f}")


if __name__ == "__main__":
    main()
