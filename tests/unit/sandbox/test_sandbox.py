"""The whole of it, over a socket."""

import asyncio
import json

import httpx
import yaml

from nexus_gql.sandbox.sandbox import Sandbox
from tests.unit.sandbox.server import APPLY, deployment


async def test_a_deployment_should_come_up_on_a_sandbox_that_is_reached_by_its_kubeconfig() -> None:
    sandbox = Sandbox(seed=1)
    address = await sandbox.start()
    server = yaml.safe_load(sandbox.kubeconfig(address))["clusters"][0]["cluster"]["server"]
    try:
        async with httpx.AsyncClient(base_url=server, timeout=30) as http:
            path = "/apis/apps/v1/namespaces/default/deployments/web"
            answer = await http.patch(
                f"{path}?fieldManager=nexus", json=deployment(replicas=2), headers={"content-type": APPLY}
            )
            assert answer.status_code == 201
            async with (
                asyncio.timeout(30),
                http.stream("GET", f"{path.rpartition('/')[0]}?watch=1&fieldSelector=metadata.name%3Dweb") as watch,
            ):
                async for line in watch.aiter_lines():
                    if json.loads(line)["object"].get("status", {}).get("readyReplicas") == 2:
                        break
    finally:
        await sandbox.stop()


async def test_an_end_should_not_wait_for_those_who_watch() -> None:
    sandbox = Sandbox()
    address = await sandbox.start()
    async with (
        httpx.AsyncClient(base_url=sandbox.server(address), timeout=30) as http,
        http.stream("GET", "/api/v1/pods?watch=1&resourceVersion=0") as watch,
        asyncio.timeout(10),
    ):
        assert watch.status_code == 200
        await sandbox.stop()
