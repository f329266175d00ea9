"""A real PostgreSQL server in a folder of its own, on a free port of the loopback interface."""

import os
import pwd
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.debian import install

USER = "nexus"

# Nothing of a test's database has to outlive the machine; without these, most of the time would go to waiting for the disk.
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "100"}


@dataclass(frozen=True)
class Postgres:
    """A server that tests may also take away (`stop`) and give back (`start`): its port and its data stay."""

    programs: Path
    folder: Path
    port: int
    password: str

    def url(self, database: str) -> str:
        """What `--database` takes."""
        return f"postgres://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {"port": str(self.port), "listen_addresses": "127.0.0.1", "unix_socket_directories": ""} | QUICK
        spelled = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-l", str(self.folder / "log"), "-o", spelled)

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends every connection in order, `immediate` is a crash."""
        self._run("pg_ctl", "stop", "-w", "-D", self._data, "-m", mode)

    def create(self, *, template: str = "template0") -> str:
        """A new database as a copy of another one; its name."""
        name = f"test_{uuid4().hex[:12]}"
        self.query(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, database: str) -> None:
        """Delete a database, whoever is still connected to it."""
        self.query(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def query(self, statement: str, *, database: str = "postgres") -> str:
        """What psql answers, bare."""
        url = self.url(database)
        return self._run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement).strip()

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _initialise(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        _give(secret)
        locale = ("--encoding=UTF8", "--no-locale", "--no-sync")
        self._run("initdb", "-D", self._data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", *locale)

    def _run(self, program: str, *arguments: str) -> str:
        # What pg_ctl starts inherits its output: a pipe would stay open, so that goes to a file.
        with (self.folder / "output").open("w+") as output:
            command = [str(self.programs / program), *arguments]
            account = _account()
            done = subprocess.run(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                check=False,
            )
            output.seek(0)
            said = output.read()
        assert done.returncode == 0, f"{program} failed ({done.returncode}): {said}"
        return said


@contextmanager
def running() -> Iterator[Postgres]:
    """A new server, stopped and deleted at the end."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="nexus-postgres-"))
    _give(folder)
    server = Postgres(programs, folder, _free_port(), secrets.token_hex(16))
    try:
        server._initialise()
        server.start()
        yield server
        if (folder / "data" / "postmaster.pid").exists():
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = _found()
    if found is None:
        install("postgresql", because="PostgreSQL's server is not here")
        found = _found()
    if found is None:
        pytest.skip("The package postgresql is installed, but has no initdb where Debian keeps it")
    return found


def _found() -> Path | None:
    """The folder of initdb and pg_ctl: the newest of Debian's, which are not on PATH, else the one on PATH."""
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if versions:
        return max(versions, key=lambda path: int(path.parent.name))
    there = shutil.which("initdb")
    return Path(there).resolve().parent if there else None


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as where we are root, which PostgreSQL refuses to run as."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _give(path: Path) -> None:
    if account := _account():
        os.chown(path, account.pw_uid, account.pw_gid)


def _free_port() -> int:
    """One that systems give to nobody who does not ask for it, so that it is still free when the server starts, and starts again."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
