"""What is registered of a cluster, and how each kind is turned into something to connect to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import engine, kubeconfig, pod
from .connection import Connection
from .errors import Unauthorized, Unreachable
from .pod import ServiceAccount
from .sandboxes import Sandboxes

_PROBE_LIMIT = 1.5


class ClusterKind(StrEnum):
    """How a cluster is reached."""

    KIND = "KIND"
    KUBECONFIG = "KUBECONFIG"
    IN_CLUSTER = "IN_CLUSTER"
    SANDBOX = "SANDBOX"


@dataclass(frozen=True, slots=True)
class Target:
    """What registerCluster was given. `content` is a credential: it is stored encrypted and shown nowhere.

    `sandbox`: which of this installation's sandboxes, which a registration decides.
    """

    kind: ClusterKind
    name: str | None = None
    path: str | None = None
    context: str | None = None
    content: str | None = None
    sandbox: str | None = None

    @property
    def shown(self) -> dict[str, Any]:
        """What may be shown, and is stored in the clear."""
        plain = {
            key: value for key, value in asdict(self).items() if value is not None and key not in {"content", "kind"}
        }
        return plain | ({"content": True} if self.content is not None else {})


def target(kind: str, shown: dict[str, Any], content: str | None) -> Target:
    """The target that a stored row describes."""
    plain = {key: value for key, value in shown.items() if key != "content"}
    return replace(Target(ClusterKind(kind), **plain), content=content)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of this machine a target may need."""

    docker_url: str | None = None
    kubeconfig_folder: Path | None = None
    sandboxes: Sandboxes | None = None
    service_account: ServiceAccount | None = None


async def load(wanted: Target, surroundings: Surroundings) -> kubeconfig.Loaded:
    """The client's configuration for a target, with an address that this process can reach."""
    try:
        match wanted.kind:
            case ClusterKind.KIND:
                return await _kind(wanted, surroundings)
            case ClusterKind.KUBECONFIG:
                return await _kubeconfig(wanted, surroundings)
            case ClusterKind.IN_CLUSTER:
                return await pod.configuration(surroundings.service_account)
            case ClusterKind.SANDBOX:
                return await _sandbox(wanted, surroundings)
    except kubeconfig.UnusableKubeconfig as error:
        raise Unauthorized(str(error)) from error


@asynccontextmanager
async def opened(wanted: Target, surroundings: Surroundings) -> AsyncIterator[Connection]:
    """A connection to a target, for as long as one question takes."""
    loaded = await load(wanted, surroundings)
    try:
        connection = Connection(loaded.configuration)
    finally:
        loaded.close()
    try:
        yield connection
    finally:
        await connection.close()


async def _kind(wanted: Target, surroundings: Surroundings) -> kubeconfig.Loaded:
    clusters = await engine.kind_clusters(surroundings.docker_url)
    found = next((cluster for cluster in clusters if cluster.name == wanted.name), None)
    if found is None:
        there = ", ".join(cluster.name for cluster in clusters) or "none"
        raise Unreachable(f"The Docker engine has no KinD cluster `{wanted.name}` (there: {there}).")
    if not found.running:
        raise Unreachable(
            f"The container `{found.container}` does not run; `docker start {found.container}` starts it."
        )
    config = kubeconfig.chosen(kubeconfig.parse(await engine.admin_config(surroundings.docker_url, found)), None)
    address = await _first_open(found.addresses)
    if address is None:
        raise Unreachable(
            f"Nothing listens at {' or '.join(found.addresses) or 'any published port'} of `{found.container}`."
        )
    return await kubeconfig.configuration(kubeconfig.at(config, address))


async def _kubeconfig(wanted: Target, surroundings: Surroundings) -> kubeconfig.Loaded:
    if wanted.content is not None:
        config = kubeconfig.chosen(kubeconfig.parse(wanted.content), wanted.context)
        kubeconfig.restrict(config)
        return await kubeconfig.configuration(config)
    path = allowed_path(wanted.path or "", surroundings.kubeconfig_folder)
    try:
        text = await asyncio.to_thread(path.read_text)
    except (OSError, UnicodeDecodeError) as error:
        raise Unauthorized(f"The kubeconfig cannot be read: {error}") from error
    return await kubeconfig.configuration(kubeconfig.chosen(kubeconfig.parse(text), wanted.context), path.parent)


async def _sandbox(wanted: Target, surroundings: Surroundings) -> kubeconfig.Loaded:
    if surroundings.sandboxes is None or wanted.sandbox is None:
        raise Unreachable("This server runs no sandboxes.")
    return await kubeconfig.configuration(await surroundings.sandboxes.kubeconfig(wanted.sandbox))


def allowed_path(name: str, folder: Path | None) -> Path:
    """The file that a path names, if it lies in the folder whose files may be named."""
    if folder is None:
        raise kubeconfig.UnusableKubeconfig("This server takes no path of a kubeconfig; send its content.")
    root = folder.expanduser().resolve()
    try:
        path = (root / Path(name).expanduser()).resolve()
    except (RuntimeError, ValueError, OSError) as error:  # `~nobody`, a NUL, links in a circle, a name too long
        raise kubeconfig.UnusableKubeconfig("This is no path of a file.") from error
    if not path.is_relative_to(root):
        raise kubeconfig.UnusableKubeconfig(
            "This server takes paths only in the folder that NEXUS_KUBECONFIG_FOLDER names."
        )
    return path


async def _first_open(addresses: tuple[str, ...]) -> str | None:
    """The first address at which something accepts a connection: on the host the published port, beside it the node itself."""
    for address in addresses:
        parts = urlsplit(address)
        try:
            async with asyncio.timeout(_PROBE_LIMIT):
                _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        except OSError:
            continue
        writer.close()
        return address
    return None
