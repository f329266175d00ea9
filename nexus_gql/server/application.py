"""The Starlette application: its routes, and what stands before them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import strawberry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from nexus_gql.access import Viewer
from nexus_gql.supervisor import Supervisor

from . import connection, errors, graphiql, health
from .endpoint import Endpoint
from .gate import Admission, Gate
from .masking import Masking
from .metrics import Metrics
from .operations import Operations
from .posting import Graphql
from .security import SecurityHeaders
from .sessions import Sessions
from .subscriptions import Subscriptions

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def build(
    schema: strawberry.Schema,
    *,
    shared: Collection[str],
    context: Callable[[Viewer], object],
    authenticate: Callable[[str | None], Awaitable[Viewer]],
    ready: Callable[[], Awaitable[list[str]]],
    host_names: Sequence[str],
    origins: Sequence[str],
    lifespan: Lifespan,
    metrics: Mapping[str, Callable[[], float]],
    subscriptions: Subscriptions,
) -> Starlette:
    """The server of a schema.

    `shared` are the subscription fields of which equal ones are executed once. `context` is made once for each HTTP request, each WebSocket and each
    cohort of equal subscriptions. `host_names` are those that clients reach the server
    under besides loopback, `origins` those whose pages may call it besides its own. `metrics` are gauges under their full names.
    The document guard is put before the schema here; the schema given is not changed.
    """
    numbers = Metrics({**metrics, "nexus_subscriptions_open": lambda: subscriptions.open})
    sessions = Sessions(authenticate)
    endpoint = Endpoint(
        Operations(schema, shared=shared, context=context, metrics=numbers, subscriptions=subscriptions),
        sessions,
        authenticate,
        context,
    )
    app = Starlette(
        routes=[*_routes(endpoint), *health.routes(ready, numbers)],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(Gate, Admission.of(host_names, origins)),
            Middleware(Masking, numbers),
        ],
        exception_handlers={Exception: _failed},
        lifespan=_watching(sessions, lifespan),
    )
    # A slash that is added by a redirect would name the scheme that the server sees, behind TLS the wrong one.
    app.router.redirect_slashes = False
    app.state.sessions = sessions
    return app


def _routes(endpoint: Endpoint) -> list[Route | WebSocketRoute | Mount]:
    async def socket(websocket: WebSocket) -> None:
        await connection.serve(websocket, endpoint)

    async def page(_: Request) -> Response:
        return graphiql.page(graphiql.BUILT)

    async def start(_: Request) -> Response:
        return RedirectResponse("graphiql")

    return [
        Route("/graphql", Graphql(endpoint)),
        WebSocketRoute("/graphql", socket),
        Route("/", start),
        Route("/graphiql", page),
        Mount("/assets", graphiql.Assets(graphiql.BUILT)),
    ]


def _watching(sessions: Sessions, lifespan: Lifespan) -> Lifespan:
    @asynccontextmanager
    async def both(app: Starlette) -> AsyncIterator[None]:
        async with lifespan(app), Supervisor() as supervisor:
            supervisor.start("credentials in use", sessions.watch)
            yield

    return both


async def _failed(_: Request, error: Exception) -> Response:
    """For what fails before Masking."""
    return errors.response(error)[0]
