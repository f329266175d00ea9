"""From what a client presents to who they are."""

from typing import Literal

from nexus_gql.problems import Unauthenticated

from .tokens import viewer_of
from .viewer import LOCAL_VIEWER, Viewer

Mode = Literal["none", "tokens"]


async def authenticate(mode: Mode, authorization: str | None) -> Viewer:
    """The viewer that an `Authorization` header (or the same in a WebSocket's connection_init) stands for."""
    if mode == "none":
        return LOCAL_VIEWER
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not credentials.strip():
        raise Unauthenticated(
            "Send a token: `Authorization: Bearer nxs_…`. `nexus token` on the server makes the first."
        )
    return await viewer_of(credentials.strip())
