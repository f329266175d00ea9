"""What `workloads` records at an application: its operations' numbers, and what of it is on the cluster."""

from collections.abc import Mapping
from typing import Any

from . import models

COLUMNS = frozenset({"deployed", "revision", "operation_number", "restarted_at"})
"""What a copy of an application does not have: it was never deployed."""


async def record_running(application_id: str, change: int, columns: Mapping[str, Any]) -> None:
    """Write some of these columns under a change number, within the transaction that took it. A level that is gone stays gone."""
    if unknown := columns.keys() - COLUMNS:
        raise ValueError(f"not for workloads to write: {', '.join(sorted(unknown))}")
    await models.Level.filter(id=application_id).update(**columns, change=change)
