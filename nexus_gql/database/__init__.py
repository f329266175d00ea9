"""Connection, transactions, migration and the installation's own row."""

from .claims import claim, database_now, extend
from .connection import connected, dialect, ping, settings, sqlite_file
from .errors import is_unavailable
from .installation import change_number, installation, next_change
from .migration import migrate, pending
from .texts import storable
from .transactions import transactional

__all__ = [
    "change_number",
    "claim",
    "connected",
    "database_now",
    "dialect",
    "extend",
    "installation",
    "is_unavailable",
    "migrate",
    "next_change",
    "pending",
    "ping",
    "settings",
    "sqlite_file",
    "storable",
    "transactional",
]
