"""The fixtures of this tier do what their tests rely on."""

import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.cluster.proxy import Answer, Proxy
from tests.cluster.real import LIMIT, Cluster


def pod(name: str, namespace: str, image: str, *, memory: str = "64Mi", **environment: str) -> dict[str, Any]:
    container = {
        "name": "echo",
        "image": image,
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": memory}},
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [container], "restartPolicy": "Never", "terminationGracePeriodSeconds": 0},
    }


def until(told: Callable[[], str], wanted: str) -> None:
    end = time.monotonic() + LIMIT
    while (said := told()) != wanted:
        assert time.monotonic() < end, f"still {said!r}, not {wanted!r}"
        time.sleep(0.2)


def field(cluster: Cluster, namespace: str, name: str, path: str) -> str:
    return cluster.kubectl("-n", namespace, "get", "pod", name, "-o", f"jsonpath={{{path}}}")


def test_echo_should_behave_as_its_environment_tells(cluster: Cluster, images: tuple[str, str], namespace: str) -> None:
    first, second = images
    ended = ".status.containerStatuses[0].state.terminated"
    cluster.apply(
        pod("fine", namespace, first, MESSAGE="hello", LINES_EVERY="0.1"),
        pod("quiet", namespace, second, READY="never", LINES_EVERY="0"),
        pod("crash", namespace, second, CRASH_AFTER="1", EXIT_CODE="3"),
        pod("hungry", namespace, second, memory="32Mi", EAT_MB="100"),
        pod("fed", namespace, second, memory="128Mi", EAT_MB="30"),
    )

    for name in ("fine", "fed"):
        until(lambda name=name: field(cluster, namespace, name, ".status.containerStatuses[0].ready"), "true")  # type: ignore[misc]
    until(lambda: field(cluster, namespace, "crash", f"{ended}.exitCode"), "3")
    until(lambda: field(cluster, namespace, "hungry", f"{ended}.reason"), "OOMKilled")
    until(lambda: field(cluster, namespace, "quiet", ".status.containerStatuses[0].started"), "true")
    first_line = ("-n", namespace, "logs", "quiet", "--limit-bytes=16")
    until(lambda: cluster.kubectl(*first_line), "version 2 starts")

    until(lambda: str("hello 1\nhello 2\n" in cluster.kubectl("-n", namespace, "logs", "fine")), "True")
    answer = cluster.kubectl("-n", namespace, "exec", "fine", "--", "wget", "-qO-", "http://127.0.0.1:8080/")
    assert answer == "echo 1\n"
    assert cluster.kubectl("-n", namespace, "logs", "quiet") == "version 2 starts\n"
    assert field(cluster, namespace, "quiet", ".status.containerStatuses[0].ready") == "false"
    assert "crashing with 3" in cluster.kubectl("-n", namespace, "logs", "crash")


async def test_proxy_should_count_requests_and_stream_watches(
    cluster: Cluster, proxy: Proxy, namespace_name: str
) -> None:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{proxy.port}") as client:
        async with client.get("/api/v1/namespaces?limit=1") as answer:
            version = (await answer.json())["metadata"]["resourceVersion"]
        query = f"/api/v1/namespaces?watch=1&resourceVersion={version}&fieldSelector=metadata.name={namespace_name}"
        async with client.get(query) as watch:
            assert proxy.watches == {"/api/v1/namespaces": 1}
            cluster.kubectl("create", "namespace", namespace_name)
            assert namespace_name.encode() in await watch.content.readline()

    assert proxy.count("/api/v1/namespaces") == 1
    assert proxy.count("/api/v1/.*", watch=True) == 1
    assert proxy.count("/api/v1/.*", method="POST") == 0
    until(lambda: str(dict(proxy.watches)), "{}")


async def test_proxy_should_cut_refuse_and_answer_as_it_is_told(proxy: Proxy) -> None:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{proxy.port}") as client:
        watch = await client.get("/api/v1/pods?watch=1&resourceVersion=0")
        proxy.cut()
        with pytest.raises(aiohttp.ClientError):
            await watch.read()

        proxy.answer("GET", "/api/v1/pods", Answer(403, "Forbidden", "not you"))
        async with client.get("/api/v1/pods") as answer:
            assert (answer.status, (await answer.json())["message"]) == (403, "not you")
        proxy.answer_truly()

        proxy.refuse()
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get("/api/v1/pods")
        proxy.accept()
        async with client.get("/api/v1/pods") as answer:
            assert answer.status == 200


async def test_proxy_should_hold_what_it_passes_on_until_it_is_released(proxy: Proxy) -> None:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{proxy.port}") as client:
        proxy.hold()
        with pytest.raises(TimeoutError):
            await client.get("/version", timeout=aiohttp.ClientTimeout(total=0.3))
        proxy.release()
        async with client.get("/version") as answer:
            assert (await answer.json())["major"] == "1"


def test_proxy_should_serve_kubectl_by_its_own_kubeconfig(
    cluster: Cluster, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("proxy") / "kubeconfig"
    file.write_text(proxy.kubeconfig)

    through = Cluster(cluster.name, file, cluster.program)

    assert [node["metadata"]["name"] for node in through.get("nodes")["items"]] == [cluster.node]
    assert proxy.count("/api/v1/nodes") == 1


def test_apiserver_should_go_and_come_back(cluster: Cluster) -> None:
    cluster.stop("kube-apiserver")
    with pytest.raises(AssertionError, match="kubectl get"):
        cluster.kubectl("get", "--raw", "/readyz")
    cluster.start("kube-apiserver")

    cluster.until_ready()
    assert cluster.get("namespaces", "default")["metadata"]["name"] == "default"
