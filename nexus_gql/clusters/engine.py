"""The Docker engine, as far as finding KinD clusters needs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiodocker import Docker
from aiodocker.exceptions import DockerError

from .errors import Unreachable

_LIMIT = aiohttp.ClientTimeout(total=10)
_CLUSTER = "io.x-k8s.kind.cluster"
_ROLE = "io.x-k8s.kind.role"
_ADMIN = "/etc/kubernetes/admin.conf"
_PORT = "6443/tcp"


class NoEngine(Unreachable):
    """No Docker engine answers."""


@dataclass(frozen=True, slots=True)
class KindCluster:
    """A KinD cluster that the engine has: its control plane's container, and whether that runs."""

    name: str
    container: str
    running: bool
    addresses: tuple[str, ...]
    """Where its API may be, the nearest first: published on the host, then on the container's own networks."""


@asynccontextmanager
async def engine(url: str | None) -> AsyncIterator[Docker]:
    """A client of the engine at a URL, or at the usual place."""
    try:
        async with Docker(url, timeout=_LIMIT) as docker:
            yield docker
    except (DockerError, aiohttp.ClientError, OSError, ValueError) as error:
        raise NoEngine(f"The Docker engine does not answer: {error}") from error


async def version(url: str | None) -> str:
    """The engine's version; NoEngine where none answers."""
    async with engine(url) as docker:
        return str((await docker.version())["Version"])


async def kind_clusters(url: str | None) -> list[KindCluster]:
    """The KinD clusters of the engine, by name."""
    async with engine(url) as docker:
        containers = await docker.containers.list(all=True, filters={"label": [_CLUSTER]})
        by_cluster: dict[str, dict[str, dict[str, Any]]] = {}
        for container in containers:
            labels = container["Labels"]
            shown = await container.show()
            # The first of several control planes is enough: each has the same admin.conf.
            by_cluster.setdefault(labels[_CLUSTER], {}).setdefault(labels.get(_ROLE, ""), shown)
    return [
        _cluster(name, roles["control-plane"], roles.get("external-load-balancer"))
        for name, roles in sorted(by_cluster.items())
        if "control-plane" in roles
    ]


async def admin_config(url: str | None, cluster: KindCluster) -> str:
    """The administrator's kubeconfig out of the control plane's container."""
    async with engine(url) as docker:
        archive = await docker.containers.container(cluster.container).get_archive(_ADMIN)
        with archive:
            file = archive.extractfile(archive.getmembers()[0])
            if file is None:
                raise Unreachable(f"{_ADMIN} in `{cluster.container}` is no file.")
            return file.read().decode()


def _cluster(name: str, control_plane: dict[str, Any], balancer: dict[str, Any] | None) -> KindCluster:
    return KindCluster(
        name,
        control_plane["Name"].lstrip("/"),
        bool(control_plane["State"]["Running"]),
        tuple(_addresses(balancer or control_plane)),
    )


def _addresses(container: dict[str, Any]) -> list[str]:
    network = container["NetworkSettings"]
    found = []
    for binding in (network.get("Ports") or {}).get(_PORT) or ():
        host = binding.get("HostIp") or "127.0.0.1"
        # "Everywhere" is no address to connect to; the host itself is.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        found.append(f"https://{f'[{host}]' if ':' in host else host}:{binding['HostPort']}")
    attached = (network.get("Networks") or {}).values()
    return found + [f"https://{there['IPAddress']}:6443" for there in attached if there.get("IPAddress")]
