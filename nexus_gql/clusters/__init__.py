"""How to reach a cluster: what is registered, how it is found, and the connection to it."""

from .connection import APPLY, Connection
from .engine import NoEngine
from .engine import version as engine_version
from .errors import (
    AccessError,
    Busy,
    Cause,
    ClusterError,
    Conflicting,
    Denied,
    Expired,
    Invalid,
    Missing,
    PassingError,
    RequestError,
    ServerTrouble,
    Status,
    Unauthorized,
    Unreachable,
    refusal,
)
from .fleet import Fleet
from .link import Link
from .models import Cluster
from .pod import ServiceAccount
from .registration import Discovered, discover, only_kind, register, register_or_take, remove, update
from .sandboxes import Sandboxes
from .state import ConnectionState, ConnectionStatus
from .targets import ClusterKind, Surroundings, Target, opened

__all__ = [
    "APPLY",
    "AccessError",
    "Busy",
    "Cause",
    "Cluster",
    "ClusterError",
    "ClusterKind",
    "Conflicting",
    "Connection",
    "ConnectionState",
    "ConnectionStatus",
    "Denied",
    "Discovered",
    "Expired",
    "Fleet",
    "Invalid",
    "Link",
    "Missing",
    "NoEngine",
    "PassingError",
    "RequestError",
    "Sandboxes",
    "ServerTrouble",
    "ServiceAccount",
    "Status",
    "Surroundings",
    "Target",
    "Unauthorized",
    "Unreachable",
    "discover",
    "engine_version",
    "only_kind",
    "opened",
    "refusal",
    "register",
    "register_or_take",
    "remove",
    "update",
]
