"""What a server says it executed for a whole cohort."""

import httpx


async def executions(url: str, kind: str) -> int:
    """How many of a kind since it started."""
    async with httpx.AsyncClient(timeout=10) as client:
        lines = (await client.get(f"{url}/metrics")).text.splitlines()
    return int(
        float(next(line for line in lines if line.startswith(f'nexus_executions_total{{kind="{kind}"}}')).split()[1])
    )
