"""As many connections with one subscription each as the limit of open files allows: memory of each, and whether a change reaches all.

Run by `scripts/bench connections`; a number as argument opens fewer. Prints a table; asserts nothing.
"""

import resource
import sys
import time
from asyncio import Runner

from parts.clients import fan_out, on_the_other_core, opened, serving

from nexus_gql.server import new_event_loop

_SPARE = 1000
SECONDS = 2.0


def main() -> None:
    """Open them, measure, send changes to all of them."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = int(sys.argv[1]) if len(sys.argv) > 1 else hard - _SPARE

    async def measure() -> None:
        async with serving("nexus") as server:
            on_the_other_core()
            await opened(server.port, 100)  # what the first few bring in is not theirs
            before, started = server.memory(), time.perf_counter()
            clients = await opened(server.port, count - 100)
            took, each = time.perf_counter() - started, (server.memory() - before) / len(clients)
            print(f"{'connections':<34}{count:>12,}\n{'KB of the server for each':<34}{each:>12.1f}   wanted: ≤ 40")
            print(f"{'seconds to open them all':<34}{took:>12.1f}")
            sent = await fan_out(server, clients, burst=1, seconds=SECONDS)
            lost = sum(client.transport is None or client.transport.is_closing() for client in clients)
            print(f"{'deliveries/s of one change to all':<34}{sent.rate:>12,.0f}")
            print(f"{'µs CPU for each delivery':<34}{sent.cost:>12.1f}\n{'connections lost':<34}{lost:>12}")

    with Runner(loop_factory=new_event_loop) as runner:
        runner.run(measure())


if __name__ == "__main__":
    main()
