"""What watches the server asks: is it alive, is it ready, how is it doing."""

from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .metrics import Metrics

Ready = Callable[[], Awaitable[list[str]]]


def routes(ready: Ready, metrics: Metrics) -> list[Route]:
    """/healthz, /readyz and /metrics. `ready` returns what is missing, a sentence each."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        missing = await ready()
        return JSONResponse(missing, 503) if missing else PlainTextResponse("ok")

    async def read(_: Request) -> Response:
        return Response(metrics.text(), headers={"content-type": CONTENT_TYPE_LATEST})

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", read)]
