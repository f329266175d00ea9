"""One change to 1,000 subscribers of one cohort: beside raw Starlette `send_text` and Node's graphql-ws.

Run by `scripts/bench fan_out`. Each server has one core, the clients another. Prints a table; asserts nothing.
"""

import shutil
import subprocess
from asyncio import Runner
from pathlib import Path

from parts.clients import Measured, fan_out, on_the_other_core, opened, serving

from nexus_gql.server import new_event_loop

SUBSCRIBERS = 1000
SECONDS = 3.0
_NODE = Path(__file__).parent / "node"


def main() -> None:
    """Measure each server with one change a turn, and with bursts of twenty."""
    servers: dict[str, tuple[str, ...]] = {"nexus": ("nexus",), "raw Starlette": ("starlette",)}
    if _node_is_there():
        servers["Node graphql-ws"] = ("node", "node/server.mjs")
    print(
        f"{'server':<18}{'changes a turn':>15}{'deliveries/s':>14}{'µs CPU each':>13}{'nexus x, wall':>15}{'nexus x, CPU':>14}{'server busy':>13}"
    )
    for burst in (1, 20):
        found = {name: _measured(command, burst) for name, command in servers.items()}
        for name, one in found.items():
            ratios = found["nexus"].rate / one.rate, one.cost / found["nexus"].cost
            print(
                f"{name:<18}{burst:>15}{one.rate:>14,.0f}{one.cost:>13.1f}{ratios[0]:>15.2f}{ratios[1]:>14.2f}{one.rate * one.cost / 1e4:>12.0f}%"
            )
    print("wanted, one a turn: 0.9 x raw Starlette and 2.2 x Node; in bursts of 20: 2.2 x raw Starlette")


def _measured(command: tuple[str, ...], burst: int) -> Measured:
    async def measure() -> Measured:
        async with serving(*command) as server:
            on_the_other_core()
            return await fan_out(server, await opened(server.port, SUBSCRIBERS), burst=burst, seconds=SECONDS)

    with Runner(loop_factory=new_event_loop) as runner:
        return runner.run(measure())


def _node_is_there() -> bool:
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("There is no Node here: its row is left out.")
        return False
    if not (_NODE / "node_modules").exists():
        subprocess.run(["npm", "install", "--silent", "--no-package-lock"], cwd=_NODE, check=True)
    return True


if __name__ == "__main__":
    main()
