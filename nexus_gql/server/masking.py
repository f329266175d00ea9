"""The last catch: whatever is raised on the way to an answer becomes one, and its text stays in the log."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import errors
from .metrics import Metrics


class Masking:
    """Answers with the error, in the shape of GraphQL's. What fails in the middle of an answer is only logged."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            pass  # nobody is there to be answered
        except Exception as error:
            response, told = errors.response(error)
            self._metrics.failed(told["extensions"]["code"])
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1011, "reason": told["message"]})
            elif not started:
                await response(scope, receive, send)
