"""HTTP and WebSocket: GraphQL by graphql-transport-ws, SSE and POST, the document guard, health, metrics, GraphiQL."""

from .application import build
from .graphiql import built as graphiql_built
from .serving import new_event_loop, run
from .subscriptions import Subscriptions

__all__ = ["Subscriptions", "build", "graphiql_built", "new_event_loop", "run"]
