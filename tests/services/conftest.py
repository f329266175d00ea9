"""Services for tests: a PostgreSQL server for the session, a database for each test."""

import asyncio
from collections.abc import Generator, Iterator

import pytest
from tortoise.backends.base.executor import EXECUTOR_CACHE

from nexus_gql.app import MODELS
from nexus_gql.database import migrate
from tests.services.postgres import Postgres, running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, bool, bool]:
    """Tortoise keeps statements as it has written them first; tests on SQLite may have run in this process, and may still."""
    EXECUTOR_CACHE.clear()
    done = yield
    EXECUTOR_CACHE.clear()
    return done


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server. A test that stops it starts it again."""
    with running() as server:
        yield server


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """The URL of a database without a table."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(scope="session")
def migrated_template(postgres: Postgres) -> str:
    """A database that is up to date, to be copied: that takes a tenth of the time of migrating."""
    name = postgres.create()
    asyncio.run(migrate(postgres.url(name), MODELS))
    return name


@pytest.fixture
def database_url(postgres: Postgres, migrated_template: str) -> Iterator[str]:
    """The URL of a database that is up to date and empty."""
    name = postgres.create(template=migrated_template)
    yield postgres.url(name)
    postgres.drop(name)
