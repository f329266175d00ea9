"""Wires the rooms together: the one place that knows them all, and with `cli` the only one that reads the configuration."""

import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from starlette.applications import Starlette

from nexus_gql import __version__, clock, server
from nexus_gql.access import authenticate
from nexus_gql.clusters import ConnectionStatus, Fleet, Sandboxes, ServiceAccount, Surroundings
from nexus_gql.configuration import Configuration
from nexus_gql.database import (
    connected,
    installation,
    migrate,
    pending,
    ping,
)
from nexus_gql.hierarchy import Hierarchy
from nexus_gql.live import Live
from nexus_gql.problems import Unreachable
from nexus_gql.schema import SHARED, Context, Rooms, build_schema
from nexus_gql.server import Subscriptions
from nexus_gql.supervisor import Supervisor
from nexus_gql.topology import Topology, Workflows
from nexus_gql.vault import Vault, check_key, key_from_file, read_key
from nexus_gql.workloads import Operations, deletion_of
from nexus_gql.workloads import Surroundings as Around

log = structlog.get_logger(__name__)

MODELS = tuple(
    f"nexus_gql.{room}.models"
    for room in ("database", "access", "vault", "clusters", "hierarchy", "topology", "workloads")
)
"""The rooms' modules of database models."""


class CannotStart(Exception):
    """The message says what is wrong and what to do about it."""


def vault(configuration: Configuration) -> Vault:
    """The vault under the configured key, or that of the data folder."""
    key = configuration.vault_key
    return Vault(read_key(key.get_secret_value()) if key else key_from_file(configuration.folder / "vault.key"))


def sandboxes(configuration: Configuration) -> Sandboxes:
    """Those of the data folder."""
    return Sandboxes(configuration.folder / "sandboxes")


def surroundings(configuration: Configuration, own: Sandboxes) -> Surroundings:
    """What of this machine the clusters may need: the pod's service account is where Kubernetes puts it."""
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{part}", "") for part in ("HOST", "PORT"))
    account = ServiceAccount(Path("/var/run/secrets/kubernetes.io/serviceaccount"), host, port)
    return Surroundings(configuration.docker_url, configuration.kubeconfig_folder, own, account)


def check_reach(configuration: Configuration) -> None:
    """Without authentication whoever reaches the server is its administrator, so nobody but this machine may."""
    if configuration.authentication == "none" and not _loopback(configuration.host):
        raise CannotStart(
            f"Without authentication the server listens on loopback only, and {configuration.host} is not. "
            "Set NEXUS_AUTHENTICATION=tokens (`nexus token` makes the first), or leave NEXUS_HOST alone."
        )


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def bring_up_to_date(configuration: Configuration) -> None:
    """Migrate a SQLite file, which is ours alone; of a shared database only say what is missing."""
    if configuration.database.startswith("sqlite:"):
        await migrate(configuration.database, MODELS)
    elif names := await pending(configuration.database, MODELS):
        raise CannotStart(f"The database lacks {', '.join(names)}: run `nexus migrate` first.")


@dataclass(frozen=True, slots=True)
class Watching:
    """The rooms that look, and do nothing to a cluster."""

    hierarchy: Hierarchy
    vault: Vault
    fleet: Fleet
    live: Live
    topology: Topology
    supervisor: Supervisor


@asynccontextmanager
async def watching(configuration: Configuration) -> AsyncIterator[Watching]:
    """The rooms that look, open and at work: the database, the clusters' links and watches, and the graph."""
    await bring_up_to_date(configuration)
    locked = vault(configuration)
    async with connected(configuration.database, MODELS), sandboxes(configuration) as own, Supervisor() as supervisor:
        await check_key(locked)
        hierarchy = Hierarchy(closed=deletion_of)
        fleet = Fleet(locked, surroundings(configuration, own), supervisor)
        live = Live(hierarchy, fleet, supervisor)
        topology = Topology(live, Workflows(hierarchy))
        await hierarchy.current()
        await fleet.start()
        live.start()
        topology.start(supervisor)
        yield Watching(hierarchy, locked, fleet, live, topology, supervisor)


@asynccontextmanager
async def rooms(configuration: Configuration, subscriptions: Subscriptions) -> AsyncIterator[Rooms]:
    """All rooms, open and at work: those that look, and the operations."""
    async with watching(configuration) as seen:
        around = Around(seen.hierarchy, seen.vault, seen.fleet, seen.live, str((await installation()).id))
        operations = Operations(around)
        operations.start(seen.supervisor)
        yield Rooms(
            hierarchy=seen.hierarchy,
            vault=seen.vault,
            fleet=seen.fleet,
            live=seen.live,
            topology=seen.topology,
            operations=operations,
            version=__version__,
            replica=f"{socket.gethostname()}-{os.getpid()}",
            started_at=clock.now(),
            subscriptions=lambda: subscriptions.open,
        )


def application(configuration: Configuration, open_rooms: Rooms, subscriptions: Subscriptions) -> Starlette:
    """The server of open rooms."""
    return server.build(
        build_schema(),
        shared=SHARED,
        context=lambda viewer: Context(viewer, open_rooms),
        authenticate=partial(authenticate, configuration.authentication),
        ready=_ready,
        host_names=[configuration.host, *configuration.allowed_hosts],
        origins=configuration.allowed_origins,
        lifespan=_nothing_more,
        metrics={
            "nexus_watches_open": lambda: sum(view.watches for view in open_rooms.live.views.values()),
            "nexus_clusters_connected": lambda: _connected(open_rooms.fleet),
        },
        subscriptions=subscriptions,
    )


@asynccontextmanager
async def _nothing_more(_: Starlette) -> AsyncIterator[None]:
    yield


async def _ready() -> list[str]:
    """What keeps this server from answering. A cluster that is away does not: its last state is there."""
    try:
        await ping()
    except Unreachable as error:
        return [str(error)]
    return []


def _connected(fleet: Fleet) -> int:
    links = (fleet.link(str(row.id)) for row in fleet.rows())
    return sum(link is not None and link.state.status is ConnectionStatus.CONNECTED for link in links)


async def serve(
    configuration: Configuration,
    announce: Callable[[str], None],
    prepare: Callable[[Rooms], Awaitable[None]] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. `prepare`: awaited once the rooms are open, before anybody is answered."""
    check_reach(configuration)
    subscriptions = Subscriptions()
    async with rooms(configuration, subscriptions) as open_rooms:
        if prepare is not None:
            await prepare(open_rooms)
        await server.run(
            application(configuration, open_rooms, subscriptions),
            host=configuration.host,
            port=configuration.port,
            shutdown_timeout=configuration.shutdown_timeout,
            announce=announce,
        )
