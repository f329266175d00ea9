"""How a connection is doing, as a value."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ConnectionStatus(StrEnum):
    """Whether a cluster answers us."""

    CONNECTED = "CONNECTED"
    CONNECTING = "CONNECTING"
    UNREACHABLE = "UNREACHABLE"
    UNAUTHORIZED = "UNAUTHORIZED"


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """The status, why, since when; `lost_at` is on the loop's clock, and set while what we know grows old."""

    status: ConnectionStatus
    message: str
    since: datetime
    retry_at: datetime | None = None
    lost_at: float | None = None
