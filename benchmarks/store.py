"""What 10,000 pods cost: listing and decoding, memory, and the longest turn of the loop while a snapshot of them goes out.

Run by `scripts/bench store`. The baseline, plain `json` into dicts, runs beside it. Prints a table; asserts nothing.
"""

import asyncio
import gc
import json
import multiprocessing
import signal
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import msgspec
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from nexus_gql.app import serve
from nexus_gql.configuration import Configuration
from nexus_gql.live.resources import PODS
from nexus_gql.live.store import Store, Writer

COUNT = 10_000
PAGE = 500
_LIMIT = 120.0


def pod(number: int) -> dict[str, Any]:
    """A pod as an apiserver lists it, with what nobody reads of it, too."""
    name = f"churn-{number // 3}-6d5b8c7f9-{number:05}"
    labels = {
        "app.kubernetes.io/name": f"churn-{number // 3}",
        "app.kubernetes.io/managed-by": "nexus",
        "nexus.optimal-reality.io/application": f"0b9f1d3e-2c91-43bb-aabe-{number // 3:012}",
        "pod-template-hash": "6d5b8c7f9",
    }
    at = "2026-11-24T07:00:00Z"
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name[:-6], "uid": f"rs-{number // 3:032}"}
    metadata = {
        "name": name,
        "generateName": name[:-5],
        "namespace": f"or-local-{number % 20}",
        "uid": f"61241f83-2c91-43bb-aabe-{number:012}",
        "resourceVersion": str(100_000 + number),
        "generation": 1,
        "creationTimestamp": at,
        "labels": labels,
        "annotations": {"nexus.optimal-reality.io/restarted": at, "checksum/config": "8f2c" * 16},
        "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": True}],
        "managedFields": [_managed(manager, at) for manager in ("kube-controller-manager", "kubelet")],
    }
    variables = [{"name": f"SETTING_{one}", "value": f"http://features-{one}.or-local-ddk:8080"} for one in range(8)]
    token = {"name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}
    container = {
        "name": "main",
        "image": f"ghcr.io/or/churn-{number // 3}:1.4",
        "env": variables,
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": [token],
        "readinessProbe": {"tcpSocket": {"port": "http"}, "timeoutSeconds": 1, "periodSeconds": 10},
        "terminationMessagePath": "/dev/termination-log",
        "imagePullPolicy": "IfNotPresent",
    }
    kinds = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    return {
        "metadata": metadata,
        "spec": {
            "containers": [container],
            "nodeName": f"node-{number % 100}",
            "restartPolicy": "Always",
            "serviceAccountName": "default",
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
            "volumes": [
                {"name": "kube-api-access", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": f"10.{number // 65536}.{number // 256 % 256}.{number % 256}",
            "hostIP": "172.18.0.2",
            "startTime": at,
            "qosClass": "Burstable",
            "conditions": [
                {"type": one, "status": "True", "lastProbeTime": None, "lastTransitionTime": at} for one in kinds
            ],
            "containerStatuses": [
                {
                    "name": "main",
                    "image": container["image"],
                    "imageID": f"ghcr.io/or/churn@sha256:{number // 3:064}",
                    "containerID": f"containerd://{number:064}",
                    "ready": True,
                    "started": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": at}},
                    "lastState": {},
                }
            ],
        },
    }


def _managed(manager: str, at: str) -> dict[str, Any]:
    fields: dict[str, Any] = {f"f:field{number}": {".": {}, "f:value": {}} for number in range(20)}
    return {"manager": manager, "operation": "Update", "apiVersion": "v1", "time": at, "fieldsV1": {"f:spec": fields}}


def pages() -> list[bytes]:
    """The pods as the apiserver would send them."""
    starts = range(0, COUNT, PAGE)
    return [
        msgspec.json.encode({"items": [pod(one) for one in range(start, start + PAGE)], "metadata": {}})
        for start in starts
    ]


def slim(bodies: list[bytes]) -> object:
    """Decoded and put into a store."""
    store: Store[Any] = Store()
    items = [item for body in bodies for item in PODS.page(body).items or ()]
    asyncio.run(Writer(store, "c1", lambda _: None).replace(items))
    return store


def plain(bodies: list[bytes]) -> object:
    """The baseline: dicts by UID."""
    return {item["metadata"]["uid"]: item for body in bodies for item in json.loads(body)["items"]}


def cost(make: Callable[[list[bytes]], object], bodies: list[bytes]) -> tuple[float, float]:
    """Seconds of CPU, and megabytes that stay."""
    gc.collect()
    before = time.process_time()
    made = make(bodies)
    spent = time.process_time() - before
    del made
    gc.collect()
    tracemalloc.start()
    made = make(bodies)
    gc.collect()
    stays = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    del made
    return spent, stays


DOCUMENT = """subscription { pods(scope: "or") { kind position complete removed upserted { id name phase ready node restarts
  state { status reason message } containers { name image ready restarts } } sources { cluster } } }"""


REGISTER = """mutation ($content: String!) { registerCluster(name: "big", input: {kubeconfig: {content: $content}}) {
  problems { message } } }"""
LEVELS = """mutation {
  p: createProject(input: {name: "or"}) { problems { message } }
  e: createEnvironment(input: {project: "or", name: "local", cluster: "big"}) { problems { message } }
  %s }"""
NAMESPACE = """n%d: createNamespace(input: {environment: "or/local", name: "n%d", kubernetesName: "or-local-%d"}) {
  problems { message } }"""


async def apiserver(said: Connection, bodies: list[bytes]) -> None:
    """Answers as an apiserver with these pods and nothing else, for ever; says its port."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/version":
            return web.json_response({"gitVersion": "v1.34.4"})
        if request.path.endswith("/kube-system"):
            return web.json_response({"metadata": {"name": "kube-system", "uid": "big"}})
        if "watch" in request.query:
            response = web.StreamResponse()
            await response.prepare(request)
            await asyncio.Event().wait()
        if request.path != "/api/v1/pods":
            return web.json_response({"items": [], "metadata": {"resourceVersion": "1"}})
        page = int(request.query.get("continue") or 0)
        more = str(page + 1) if page + 1 < len(bodies) else ""
        metadata = json.dumps({"resourceVersion": "1", "continue": more}).encode()
        return web.Response(body=bodies[page].replace(b'"metadata":{}}', b'"metadata":' + metadata + b"}"))

    site = web.Application()
    site.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(site)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    said.send(runner.addresses[0][1])
    await asyncio.Event().wait()


async def reader(said: Connection, url: str) -> None:
    """A client that takes the whole snapshot; says how many frames and pods it was."""
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], max_size=None) as socket:
        await socket.send('{"type": "connection_init"}')
        await socket.recv()
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": DOCUMENT}}))
        frames = pods = 0
        while True:
            frame = json.loads(await socket.recv())["payload"]["data"]["pods"]
            frames, pods = frames + 1, pods + len(frame["upserted"])
            if frame["complete"]:
                break
    said.send((frames, pods))


def _in_process(run: Callable[..., Coroutine[Any, Any, None]], *given: Any) -> None:
    asyncio.run(run(*given))


@contextmanager
def beside(run: Callable[..., Coroutine[Any, Any, None]], *given: Any) -> Iterator[Connection]:
    """A coroutine in a process of its own, and what it says."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_in_process, args=(run, there, *given), daemon=True)
    process.start()
    there.close()  # so that a process that fails is heard of
    try:
        yield here
    finally:
        process.kill()
        process.join()


async def heard(said: Connection) -> Any:
    """What a process says; EOFError where it ends without a word."""
    async with asyncio.timeout(_LIMIT):
        return await asyncio.to_thread(_receive, said)


def _receive(said: Connection) -> Any:
    if not said.poll(_LIMIT):
        raise TimeoutError("nothing came")
    return said.recv()


async def longest_turn(bodies: list[bytes]) -> tuple[float, float, int, int]:
    """Of a whole server: its longest turn of the loop (ms) while the pods are listed and while a snapshot goes out, frames, pods."""
    with tempfile.TemporaryDirectory() as folder, beside(apiserver, bodies) as said:
        port = await heard(said)
        configuration = Configuration(data=Path(folder), port=0, docker_url="tcp://127.0.0.1:1", log_level="error")
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve(configuration, listening.set_result))
        url = await listening
        gc.freeze()  # as `nexus serve` does
        gc.set_threshold(50_000, 20, 20)
        async with httpx.AsyncClient(base_url=url) as client:
            await register(client, port)  # the first request and the first connection, which every server has once
            with turns() as listed:
                await declare(client)
                await asyncio.sleep(5)  # until every pod is there, and every verdict reached
        with turns() as sent, beside(reader, url.replace("http", "ws", 1) + "/graphql") as answer:
            frames, pods = await heard(answer)
        signal.raise_signal(signal.SIGTERM)
        await serving
    return listed[0] * 1000, sent[0] * 1000, frames, pods


@contextmanager
def turns() -> Iterator[list[float]]:
    """How long the longest turn of the loop takes meanwhile, in seconds of this thread's CPU: others use the machine, too."""
    found = [0.0]

    async def feel() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            found[0] = max(found[0], time.thread_time() - before)

    feeling = asyncio.create_task(feel())
    try:
        yield found
    finally:
        feeling.cancel()


async def register(client: httpx.AsyncClient, port: int) -> None:
    """The cluster, of which nothing is watched before an environment is on it."""
    content = (
        f"{{clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}], current-context: x, "
        "contexts: [{name: x, context: {cluster: c, user: u}}], users: [{name: u, user: {token: t}}]}"
    )
    await _mutate(client, REGISTER, {"content": content})
    connected = '{"data":{"cluster":{"connection":{"status":"CONNECTED"}}}}'
    asked = {"query": '{ cluster(name: "big") { connection { status } } }'}
    async with asyncio.timeout(_LIMIT):
        while (await client.post("/graphql", json=asked)).text != connected:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def declare(client: httpx.AsyncClient) -> None:
    """An environment with twenty namespaces on the cluster."""
    await _mutate(client, LEVELS % " ".join(NAMESPACE % (number, number, number) for number in range(20)), {})


async def _mutate(client: httpx.AsyncClient, query: str, variables: dict[str, str]) -> None:
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    said = answer.json()
    assert "errors" not in said, said
    assert not any(payload["problems"] for payload in said["data"].values()), said


def main() -> None:
    """Measure, and print a table."""
    bodies = pages()
    size = sum(map(len, bodies)) / 1e6
    print(f"{COUNT} pods, {size:.0f} MB of JSON\n")
    base, ours = cost(plain, bodies), cost(slim, bodies)
    print(f"{'what':<46}{'json, dicts':>14}{'slim store':>14}{'ratio':>8}")
    print(f"{'list and decode, s of CPU':<46}{base[0]:>14.2f}{ours[0]:>14.2f}{ours[0] / base[0]:>8.2f}")
    print(f"{'memory that stays, MB':<46}{base[1]:>14.0f}{ours[1]:>14.0f}{ours[1] / base[1]:>8.2f}")
    listed, sent, frames, pods = asyncio.run(longest_turn(bodies))
    print(f"\nlongest turn of the loop: {listed:.0f} ms while they are listed, {sent:.0f} ms while a snapshot goes out")
    print(f"({pods} pods in {frames} frames)")


if __name__ == "__main__":
    main()
