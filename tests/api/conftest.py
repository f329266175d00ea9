"""Servers for the tests of this tier.

`nexus` answers whoever reaches it; `guarded` wants tokens. A tier with a cluster registers one at either: nothing here assumes that
there is none, only that the Docker engine is away.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copy

import pytest
import pytest_asyncio

from nexus_gql.access import OPERATOR_VIEWER, Role, create_token
from nexus_gql.configuration import Configuration

from . import sandboxed
from .hierarchy import declare, declare_all
from .server import NO_ENGINE, Nexus, running
from .topology_graph import build, is_built
from .topology_world import once


def configured(database: Path) -> Configuration:
    """A server's configuration on a database, beside which it keeps its files."""
    return Configuration(
        data=database.parent,
        database_url=f"sqlite://{database}",
        port=0,
        docker_url=NO_ENGINE,
        log_level="warning",
        shutdown_timeout=2.0,
    )


@pytest.fixture
def configuration(database_file: Path) -> Configuration:
    """A configuration on a database of the test's own."""
    return configured(database_file)


@pytest.fixture
async def nexus(configuration: Configuration) -> AsyncIterator[Nexus]:
    """A server without authentication."""
    async with running(configuration) as one:
        yield one


@pytest.fixture
def database(nexus: Nexus) -> str:
    """The server's own database, for `counting`."""
    return nexus.configuration.database


@pytest.fixture
async def guarded(configuration: Configuration) -> AsyncIterator[Nexus]:
    """A server that wants tokens; requests that name none are made with the operator's."""
    async with running(configuration.model_copy(update={"authentication": "tokens"})) as one:
        _, one.token = await create_token(OPERATOR_VIEWER, name="first", role=Role.ADMIN, path=None, expires_in=None)
        yield one


@pytest.fixture
async def on_sandbox(nexus: Nexus) -> Nexus:
    """A server with the namespace `or/local/models`, which is on a sandbox of its own, the cluster `local`."""
    await declare(nexus, "or")
    await declare(nexus, "or/local", connect={"sandbox": True})
    await declare(nexus, "or/local/models")
    return nexus


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nexus]:
    """One server for the tables of a module, which change nothing: a level of each kind down to `or/local/models/churn`."""
    file = Path(copy(migrated_file, tmp_path_factory.mktemp("standing") / "nexus.sqlite3"))
    async with running(configured(file)) as one:
        await declare_all(one, "or/local/models/churn")
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def graph(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nexus]:
    """A server that wants tokens, with the graph on a sandbox, as it is once its parts are ready."""
    folder = tmp_path_factory.mktemp("graph")
    configuration = configured(Path(copy(migrated_file, folder / "nexus.sqlite3")))
    async with (
        sandboxed.running(folder, seed=711) as sandbox,
        running(configuration.model_copy(update={"authentication": "tokens"})) as nexus,
    ):
        _, nexus.token = await create_token(OPERATOR_VIEWER, name="first", role=Role.ADMIN, path=None, expires_in=None)
        await build(nexus, sandbox)
        await once(nexus, lambda: is_built(nexus))
        yield nexus
