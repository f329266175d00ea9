"""One change to 100 cohorts of 10, as dashboards that look at different things: beside the library's default.

Run by `scripts/bench cohorts`. Prints a table; asserts nothing.
"""

from asyncio import Runner

from parts.clients import DOCUMENT, Measured, fan_out, on_the_other_core, opened, serving

from nexus_gql.server import new_event_loop

COHORTS, MEMBERS = 100, 10
SECONDS = 3.0


def main() -> None:
    """Measure both."""
    found = {"nexus": _measured("nexus"), "strawberry's default": _measured("default")}
    print(f"{'server':<22}{'deliveries/s':>14}{'µs CPU each':>13}{'nexus x, wall':>15}{'nexus x, CPU':>14}")
    for name, one in found.items():
        ratios = found["nexus"].rate / one.rate, one.cost / found["nexus"].cost
        print(f"{name:<22}{one.rate:>14,.0f}{one.cost:>13.1f}{ratios[0]:>15.2f}{ratios[1]:>14.2f}")
    print("wanted: 5 x the default")


def _measured(name: str) -> Measured:
    async def measure() -> Measured:
        async with serving(name) as server:
            on_the_other_core()
            clients = await opened(server.port, COHORTS * MEMBERS, document=DOCUMENT, cohorts=COHORTS)
            return await fan_out(server, clients, burst=1, seconds=SECONDS)

    with Runner(loop_factory=new_event_loop) as runner:
        return runner.run(measure())


if __name__ == "__main__":
    main()
