"""`nexus doctor`: ordered checks from the outside in, each with what was found and what to do about it."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from nexus_gql.app import MODELS, CannotStart, check_reach, sandboxes, surroundings, vault
from nexus_gql.clusters import Cluster, ClusterError, Connection, Fleet, NoEngine, engine_version, opened
from nexus_gql.configuration import Configuration
from nexus_gql.database import connected, pending, ping
from nexus_gql.problems import Failure
from nexus_gql.server import graphiql_built
from nexus_gql.supervisor import Supervisor
from nexus_gql.vault import VaultError, check_key


class Outcome(StrEnum):
    """How a check went."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, what was found, and what to do about it."""

    name: str
    outcome: Outcome
    detail: str
    remedy: str | None = None


async def examine(configuration: Configuration) -> AsyncIterator[Check]:
    """The checks as they are done. What depends on a failed one is skipped."""
    yield _reach(configuration)
    yield _folder(configuration)
    yield _page()
    yield await _engine(configuration)
    database = await _database(configuration)
    yield database
    if database.outcome is not Outcome.PASSED:
        yield Check("clusters", Outcome.SKIPPED, "They are registered in the database.")
        return
    async with connected(configuration.database, MODELS):
        key = await _key(configuration)
        yield key
        if key.outcome is Outcome.PASSED:
            async for check in _clusters(configuration):
                yield check


def _reach(configuration: Configuration) -> Check:
    where = f"{configuration.host}:{configuration.port}, authentication: {configuration.authentication}"
    try:
        check_reach(configuration)
    except CannotStart as error:
        return Check("configuration", Outcome.FAILED, where, str(error))
    return Check("configuration", Outcome.PASSED, where)


def _folder(configuration: Configuration) -> Check:
    folder = configuration.folder
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(nearest, os.W_OK | os.X_OK):
        return Check("data folder", Outcome.PASSED, str(folder))
    return Check("data folder", Outcome.FAILED, f"{nearest} cannot be written.", "Set NEXUS_DATA to a folder of yours.")


def _page() -> Check:
    if graphiql_built():
        return Check("GraphiQL page", Outcome.PASSED, "built")
    return Check(
        "GraphiQL page", Outcome.FAILED, "not built", "Run scripts/web (it needs Node, or fetches a wheel of it)."
    )


async def _engine(configuration: Configuration) -> Check:
    try:
        return Check("Docker engine", Outcome.PASSED, f"version {await engine_version(configuration.docker_url)}")
    except NoEngine as error:
        remedy = "Start Docker, or set NEXUS_DOCKER_URL. Without it no KinD cluster is found; other clusters need none."
        return Check("Docker engine", Outcome.SKIPPED, str(error), remedy)


async def _database(configuration: Configuration) -> Check:
    kind = "SQLite" if configuration.database.startswith("sqlite:") else "PostgreSQL"
    try:
        missing = await pending(configuration.database, MODELS)
        async with connected(configuration.database, MODELS):
            await ping()
    except Failure as error:
        return Check("database", Outcome.FAILED, str(error), "Check NEXUS_DATABASE_URL, and that the server runs.")
    if missing:
        return Check("database", Outcome.FAILED, f"{kind}, not migrated: {', '.join(missing)}", "Run `nexus migrate`.")
    return Check("database", Outcome.PASSED, f"{kind}, up to date")


async def _key(configuration: Configuration) -> Check:
    remedy = "Set NEXUS_VAULT_KEY (or the key file in the data folder) to the key that the secrets were stored with."
    try:
        await check_key(vault(configuration))
    except (VaultError, OSError) as error:
        return Check("vault key", Outcome.FAILED, str(error), remedy)
    return Check("vault key", Outcome.PASSED, "opens what is stored")


async def _clusters(configuration: Configuration) -> AsyncIterator[Check]:
    rows = await Cluster.all().order_by("name")
    if not rows:
        yield Check("clusters", Outcome.SKIPPED, "None is registered.", "Register one with `registerCluster`.")
        return
    async with sandboxes(configuration) as own, Supervisor() as supervisor:
        fleet = Fleet(vault(configuration), surroundings(configuration, own), supervisor)
        for row in rows:
            yield await _cluster(fleet, row)


async def _cluster(fleet: Fleet, row: Cluster) -> Check:
    name = f"cluster {row.name}"
    try:
        async with asyncio.timeout(15), opened(fleet.target(row), fleet.surroundings) as connection:
            return await _seen(name, connection)
    except (ClusterError, VaultError, TimeoutError) as error:
        remedy = "Start it, or give new credentials with `updateCluster`."
        return Check(name, Outcome.FAILED, str(error) or "No answer in time.", remedy)


async def _seen(name: str, connection: Connection) -> Check:
    for path in ("/api/v1/pods", "/apis/apps/v1/deployments", "/api/v1/events"):
        await connection.get(path, {"limit": 1})
    return Check(name, Outcome.PASSED, f"answers at {connection.server}; pods, deployments and events can be listed")
