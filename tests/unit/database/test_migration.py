"""Bringing the tables up to this version."""

import ast
import asyncio
import fcntl
import importlib
import inspect
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.models import Model

import migrations
from nexus_gql.app import MODELS
from nexus_gql.database import migrate, pending, settings
from nexus_gql.problems import Unreachable

FILES = sorted(path.stem for path in Path(migrations.__path__[0]).glob("[0-9]*.py"))

# What the first version's tables hold, in an order in which rows refer to earlier ones. Later columns have their defaults.
POPULATION: dict[str, list[dict[str, Any]]] = {
    "cluster": [{"id": "c1", "name": "dev", "kind": "KIND", "uid": "u1", "target": "{}", "created_at": "2026-11-24"}],
    "level": [
        {"id": "l1", "path": "or", "display_name": "OR", "document": '{"replicas":2}', "change": 1},
        {"id": "l2", "path": "or/local", "display_name": "Local", "document": "{}", "change": 2, "cluster_id": "c1"},
    ],
    "secret": [
        {"id": "s1", "level_id": "l1", "key": "env.A", "ciphertext": b"x", "set_at": "2026-11-24", "set_by": "me"}
    ],
    "api_token": [{"id": "t1", "name": "ci", "digest": "d", "role": 1, "created_by": "me", "created_at": "2026-11-24"}],
    "grant": [{"id": "g1", "subject": "me", "role": 3, "path": None}],
    "operation": [
        {"id": "o1", "application_id": "l2", "path": "or/local", "kind": "DEPLOY", "status": "RUNNING", "number": 1}
    ],
    "revision": [
        {"id": "r1", "application_id": "l2", "number": 1, "operation_id": "o1", "image": "a:1", "deployed_by": "me"}
    ],
}
ALWAYS_NEEDED: dict[str, dict[str, Any]] = {
    "level": {
        "version": 1,
        "created_at": "2026-11-24",
        "updated_at": "2026-11-24",
        "deployed": 0,
        "operation_number": 0,
    },
    "operation": {
        "requested_by": "me",
        "request": "{}",
        "steps": "[]",
        "message": "",
        "notes": "{}",
        "created_at": "2026-11-24",
    },
    "revision": {"settings": "{}", "manifests": "[]", "deployed_at": "2026-11-24", "outcome": "SUCCEEDED"},
}


def rows() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for table, population in POPULATION.items():
        for row in population:
            yield table, {**ALWAYS_NEEDED.get(table, {}), **row}


def populate(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA foreign_keys=ON")
        for table, row in rows():
            columns, marks = ", ".join(row), ", ".join("?" * len(row))
            connection.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', tuple(row.values()))


def stored(file: Path, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute(f'SELECT * FROM "{table}" WHERE id = ?', (row["id"],)).fetchone()
        return {column: found[column] for column in row}


def tables(file: Path) -> dict[str, str]:
    with closing(sqlite3.connect(file)) as connection:
        return dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


async def migrate_to(url: str, name: str) -> None:
    """As an installation of the version that ended with this migration has it."""
    config = settings(url, MODELS)
    await Tortoise.init(config=config)
    try:
        await MigrationExecutor(get_connection("default"), config["apps"]).migrate([MigrationTarget("nexus", name)])
    finally:
        await Tortoise.close_connections()


async def test_a_populated_database_should_keep_its_rows_through_every_later_migration(tmp_path: Path) -> None:
    file = tmp_path / "nexus.sqlite3"
    await migrate_to(f"sqlite://{file}", FILES[0])
    populate(file)
    assert await migrate(f"sqlite://{file}", MODELS) == FILES[1:]
    for table, row in rows():
        assert stored(file, table, row) == row
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


async def test_a_populated_database_should_have_the_tables_of_a_new_one(tmp_path: Path, migrated_file: Path) -> None:
    """SQLite makes an altered table anew, and unique constraints and indexes would be lost with the old one."""
    file = tmp_path / "nexus.sqlite3"
    await migrate_to(f"sqlite://{file}", FILES[0])
    populate(file)
    await migrate(f"sqlite://{file}", MODELS)
    assert tables(file) == tables(migrated_file)


async def test_the_first_version_should_be_populated_in_every_table(tmp_path: Path) -> None:
    file = tmp_path / "nexus.sqlite3"
    await migrate_to(f"sqlite://{file}", FILES[0])
    with closing(sqlite3.connect(file)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names - {"tortoise_migrations", "sqlite_sequence", "installation"} == set(POPULATION)


async def test_migrations_made_again_should_find_nothing_new() -> None:
    config = settings("sqlite://:memory:", MODELS)
    await Tortoise.init(config=config)
    try:
        apps = Tortoise.apps
        assert apps is not None
        writers = await MigrationAutodetector(apps, config["apps"]).changes()
    finally:
        await Tortoise.close_connections()
    assert [operation for writer in writers for operation in writer.operations] == []


def models() -> Iterator[type[Model]]:
    for module in map(importlib.import_module, MODELS):
        for _, model in inspect.getmembers(module, inspect.isclass):
            if issubclass(model, Model) and model.__module__ == module.__name__:
                yield model


@pytest.mark.parametrize("model", [*models()], ids=lambda model: model.__name__)
def test_a_models_first_line_should_hold_no_semicolon(model: type[Model]) -> None:
    """Tortoise puts it into CREATE TABLE as a comment, and splits that at semicolons where it runs on SQLite."""
    first = (inspect.getdoc(model) or "").splitlines()[0]
    assert ";" not in first


ADDITIVE = {"CreateModel", "AddField", "AddIndex", "AlterModelOptions", "RunPython", "RunSQL"}


@pytest.mark.parametrize("name", FILES)
def test_a_migration_should_only_add(name: str) -> None:
    source = ast.parse(Path(migrations.__path__[0], f"{name}.py").read_text())
    calls = [node.func for node in ast.walk(source) if isinstance(node, ast.Call)]
    operations = {
        call.attr
        for call in calls
        if isinstance(call, ast.Attribute) and ast.unparse(call.value) in {"ops", "operations"}
    }
    assert operations
    assert operations <= ADDITIVE


async def test_a_database_should_be_migrated_once(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/folder/nexus.sqlite3"
    assert await pending(url, MODELS) == FILES
    assert await migrate(url, MODELS) == FILES
    assert await pending(url, MODELS) == []
    before = installations(Path(f"{tmp_path}/folder/nexus.sqlite3"))
    assert await migrate(url, MODELS) == []
    assert installations(Path(f"{tmp_path}/folder/nexus.sqlite3")) == before
    assert len(before) == 1


def installations(file: Path) -> list[Any]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT id FROM installation").fetchall()


def test_processes_that_migrate_at_once_should_migrate_once(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys; from nexus_gql.database import migrate;"
        "print(len(asyncio.run(migrate(sys.argv[1], sys.argv[2:]))))"
    )
    file = tmp_path / "nexus.sqlite3"
    command = [sys.executable, "-c", program, f"sqlite://{file}", *MODELS]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(process.communicate(timeout=120)[0].strip() for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert said == ["0", str(len(FILES))]
    assert len(installations(file)) == 1


async def test_migrating_should_wait_for_whoever_migrates_already(tmp_path: Path) -> None:
    file = tmp_path / "nexus.sqlite3"
    with Path(f"{file}.lock").open("w") as held:  # noqa: ASYNC230
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = asyncio.create_task(migrate(f"sqlite://{file}", MODELS))
        # Long enough for a whole migration, which must not have begun.
        await asyncio.wait({waiting}, timeout=0.3)
        assert not await asyncio.to_thread(file.exists)
    assert await waiting == FILES


async def test_a_file_that_is_no_database_should_not_be_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but somebody's notes " * 100)
    with pytest.raises(Unreachable, match="not a database"):
        await migrate(f"sqlite://{file}", MODELS)
    assert file.read_text().startswith("not a database")


async def test_a_server_that_is_not_there_should_be_unreachable() -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        await migrate("postgres://nobody@127.0.0.1:1/nexus", MODELS)
