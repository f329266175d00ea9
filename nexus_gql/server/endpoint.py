"""What every way of reaching /graphql needs."""

from collections.abc import Callable
from dataclasses import dataclass

from nexus_gql.access import Viewer

from .operations import Operations
from .sessions import Authenticate, Sessions


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The schema's operations, and who may run them: `context` is made once for a request, and once for a WebSocket."""

    operations: Operations
    sessions: Sessions
    authenticate: Authenticate
    context: Callable[[Viewer], object]
