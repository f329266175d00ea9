"""From settings to running: manifests, apply, rollout, operations and revisions."""

from .execution import Surroundings
from .manifests import Manifest
from .operation import Failure, Operation, OperationKind, OperationStatus, Step, StepStatus
from .operations import OperationChange, OperationPage, Operations, current_of, cursor, find, find_many, page
from .preparation import Place, place_of, service_address
from .requests import Accepted, Options, Wanted
from .revisions import Revision, revisions_by_number

__all__ = [
    "Accepted",
    "Failure",
    "Manifest",
    "Operation",
    "OperationChange",
    "OperationKind",
    "OperationPage",
    "OperationStatus",
    "Operations",
    "Options",
    "Place",
    "Revision",
    "Step",
    "StepStatus",
    "Surroundings",
    "Wanted",
    "current_of",
    "cursor",
    "find",
    "find_many",
    "page",
    "place_of",
    "revisions_by_number",
    "service_address",
]
