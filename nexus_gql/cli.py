"""`nexus`: serve, migrate, schema, demo, topology, token, doctor."""

import asyncio
import atexit
import gc
import sys
from collections.abc import Collection, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import cyclopts
from cyclopts import Parameter
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console

from nexus_gql import __version__
from nexus_gql.configuration import Configuration

if TYPE_CHECKING:
    from nexus_gql.app import Watching

app = cyclopts.App(
    name="nexus",
    help="The deployment and operations layer of Optimal Reality. Every option can be set by a variable NEXUS_… as well.",
    version=__version__,
)
console = Console(stderr=True, highlight=False, soft_wrap=True)

Host = Annotated[str | None, Parameter(help="Address to listen on (NEXUS_HOST).")]
Port = Annotated[int | None, Parameter(help="Port to listen on; 0 takes a free one (NEXUS_PORT).")]
Database = Annotated[
    str | None,
    Parameter(help="`sqlite:///path/to/file` or `postgres://user:password@host/name` (NEXUS_DATABASE_URL)."),
]


def main() -> None:
    """The program: an error that has a remedy is a sentence and exit code 1, not a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        # Imported here since it takes a second, which `nexus --version` need not.
        from nexus_gql.app import CannotStart
        from nexus_gql.database import is_unavailable
        from nexus_gql.problems import Failure, Refused
        from nexus_gql.vault import VaultError

        # A database that another process has locked is among what is unavailable, as is a port that is taken.
        if not isinstance(error, CannotStart | Failure | Refused | VaultError) and not is_unavailable(error):
            raise
        console.print(f"nexus: {error}", style="red", markup=False)
        sys.exit(1)


def _configured(**given: Any) -> Configuration:
    try:
        return Configuration(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        for one in error.errors():
            name = "_".join(str(part) for part in one["loc"]).upper()
            console.print(f"nexus: NEXUS_{name}: {one['msg']}", style="red", markup=False)
        sys.exit(2)
    except SettingsError as error:  # a variable that is written as JSON, and is none
        console.print(f'nexus: {error}; a list is written as JSON: ["nexus.example"].', style="red", markup=False)
        sys.exit(2)


def _run(work: Coroutine[Any, Any, None]) -> None:
    from nexus_gql.server import new_event_loop

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(work)


def _with_logs(configuration: Configuration) -> Configuration:
    from nexus_gql.log_lines import configure_logging

    configure_logging(configuration.log_format, configuration.log_level)
    return configuration


def _announce(url: str) -> None:
    # The schema and the libraries stay. Looking through them again and again would stop everything for a tenth of a second each time.
    gc.freeze()
    # A thousand frames on their way are not garbage: with the default a change to as many screens looks through all of them, and
    # then through all that stays, which is 30 ms.
    gc.set_threshold(50_000, 20, 20)
    # In the end, too: of ten thousand connections there is more to look through than to close.
    atexit.register(gc.freeze)
    console.print(f"Nexus {__version__} listens at {url}  (GraphiQL: {url}/graphiql)", style="green")


@app.command
def serve(*, host: Host = None, port: Port = None, database: Database = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    from nexus_gql.app import serve as serve_rooms

    configuration = _with_logs(_configured(host=host, port=port, database_url=database))
    _run(serve_rooms(configuration, _announce))


@app.command
def demo(*, host: Host = None, port: Port = None, database: Database = None, reset: bool = False) -> None:
    """Serve an OR-like project: on the KinD cluster of the Docker engine where there is one, and on sandboxes.

    reset: take the project off its clusters first, and declare it anew.
    """
    from nexus_gql.app import serve as serve_rooms
    from nexus_gql.demo import begin_anew, prepare

    configuration = _with_logs(_configured(host=host, port=port, database_url=database))
    begin = begin_anew if reset else prepare
    _run(serve_rooms(configuration, _announce, lambda rooms: begin(rooms, console.print)))


@app.command
def migrate(*, database: Database = None) -> None:
    """Bring the database's tables up to this version."""
    from nexus_gql.app import MODELS
    from nexus_gql.database import migrate as migrate_database

    configuration = _configured(database_url=database)

    async def work() -> None:
        applied = await migrate_database(configuration.database, MODELS)
        console.print(f"Applied: {', '.join(applied)}." if applied else "The database is up to date.")

    _run(work())


@app.command
def schema(file: Path | None = None, /) -> None:
    """Write the GraphQL schema to a file, or to standard output."""
    from nexus_gql.schema import sdl

    if file is None:
        print(sdl(), end="")
    else:
        file.write_text(sdl())


@app.command
def token(
    name: str,
    /,
    *,
    role: str = "ADMIN",
    path: str | None = None,
    expires_in: str | None = None,
    database: Database = None,
) -> None:
    """Make an API token on the server's own machine and print it, this once.

    role: VIEWER, DEPLOYER or ADMIN. path: a level; without it everywhere. expires_in: `12h`, `30m`; without it never.
    """
    from nexus_gql import clock
    from nexus_gql.access import OPERATOR_VIEWER, Role, create_token, not_found
    from nexus_gql.app import MODELS, bring_up_to_date
    from nexus_gql.database import connected
    from nexus_gql.hierarchy import Hierarchy
    from nexus_gql.paths import parse
    from nexus_gql.problems import Refused

    configuration = _configured(database_url=database)
    try:
        what = Role[role.upper()]
        where = None if path is None else parse(path)
        span = None if expires_in is None else clock.parse_duration(expires_in)
    except KeyError:
        console.print(f"nexus: a role is VIEWER, DEPLOYER or ADMIN; {role!r} is none.", style="red", markup=False)
        sys.exit(2)
    except ValueError as error:
        console.print(f"nexus: {error}", style="red", markup=False)
        sys.exit(2)

    async def work() -> None:
        await bring_up_to_date(configuration)
        async with connected(configuration.database, MODELS):
            if where is not None and where not in (await Hierarchy().current()).levels:
                raise Refused(not_found(where))
            _, secret = await create_token(OPERATOR_VIEWER, name=name, role=what, path=where, expires_in=span)
        print(secret)

    _run(work())


@app.command
def topology(
    path: str,
    /,
    *,
    format: Literal["tree", "dot", "mermaid", "json"] = "tree",  # noqa: A002
    database: Database = None,
) -> None:
    """Print the dependency graph of a level, such as `or/local`: what needs what, how each is doing, and what is to blame.

    format: a tree for the terminal, `dot` for Graphviz, `mermaid` for Markdown, `json` for scripts.
    """
    from nexus_gql.access import not_found
    from nexus_gql.app import watching
    from nexus_gql.live import select
    from nexus_gql.log_lines import configure_logging
    from nexus_gql.paths import parse
    from nexus_gql.problems import Refused
    from nexus_gql.topology import as_json, dot, inside, mermaid, shown, tree

    configuration = _configured(database_url=database)
    configure_logging(configuration.log_format, "error")  # what a reader should know of the clusters is said below
    try:
        scope = parse(path)
    except ValueError as error:
        console.print(f"nexus: {error}", style="red", markup=False)
        sys.exit(2)
    drawn = {"tree": tree, "dot": dot, "mermaid": mermaid, "json": as_json}[format]

    async def work() -> None:
        async with watching(configuration) as rooms:
            selection = select(rooms.hierarchy.latest, scope)
            if selection is None:
                raise Refused(not_found(scope))
            await rooms.topology.settled(selection.clusters, _CLUSTERS_ANSWER)
            _say_what_is_not_seen(rooms, selection.clusters)
            picture = rooms.topology.picture
            print(drawn(shown(picture, inside(rooms.hierarchy.latest, picture, scope))))

    _run(work())


_CLUSTERS_ANSWER = 30.0
"""Seconds: a sandbox is up in one, a tunnel in a few."""


def _say_what_is_not_seen(rooms: "Watching", cluster_ids: Collection[str]) -> None:
    from nexus_gql.live import Sighting

    for row in rooms.fleet.rows():
        view = rooms.live.views.get(str(row.id))
        if str(row.id) in cluster_ids and (view is None or view.sighting is not Sighting.SEEN):
            why = (view.trouble if view is not None else "") or "It was not read in time."
            console.print(f"nexus: `{row.name}` is not seen: {why}", style="yellow", markup=False)


@app.command
def doctor(*, database: Database = None) -> None:
    """Check configuration, database, Docker engine and clusters, each with what to do about it. Exit code 1 where one failed."""
    from nexus_gql.doctor import Outcome, examine

    configuration = _configured(database_url=database)
    styles = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.SKIPPED: "yellow"}
    failed = False

    async def work() -> None:
        nonlocal failed
        async for check in examine(configuration):
            failed = failed or check.outcome is Outcome.FAILED
            console.print(f"{check.outcome:<8}", style=styles[check.outcome], end="")
            console.print(f"{check.name}: {check.detail}", markup=False)
            if check.remedy:
                console.print(f"         {check.remedy}", style="dim", markup=False)

    _run(work())
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
