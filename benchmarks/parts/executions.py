"""What a server says it executed for a whole cohort."""

import httpx


async def snapshots(url: str) -> int:
    """How many snapshots, and arrivals at an ordered feed, since it started."""
    async with httpx.AsyncClient(timeout=10) as client:
        lines = (await client.get(f"{url}/metrics")).text.splitlines()
    return int(
        float(next(line for line in lines if line.startswith('nexus_executions_total{kind="snapshot"}')).split()[1])
    )
