"""Connection, transactions, migration and the installation's own row."""

from .connection import connected, dialect, ping, settings, sqlite_file
from .errors import is_unavailable
from .installation import change_number, installation, next_change
from .migration import migrate, pending
from .transactions import transactional

__all__ = [
    "change_number",
    "connected",
    "dialect",
    "installation",
    "is_unavailable",
    "migrate",
    "next_change",
    "pending",
    "ping",
    "settings",
    "sqlite_file",
    "transactional",
]
