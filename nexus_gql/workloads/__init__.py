"""From settings to running: manifests, apply, rollout, operations and revisions."""

from .deployed import Addresses, addresses, deployed_settings
from .manifests import Manifest
from .operation import PARENTS, Failure, Operation, OperationKind, OperationStatus, Step, StepStatus
from .operations import OperationChange, OperationPage, Operations, current_of, cursor, find, find_many, page
from .parts import parts_of
from .preparation import Place, place_of, service_address
from .revisions import Revision, revisions_by_id, revisions_by_number
from .subject import Surroundings
from .taken_names import told
from .under_deletion import deletion_of
from .wanted import Accepted, Options, Wanted, in_options

__all__ = [
    "PARENTS",
    "Accepted",
    "Addresses",
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
    "addresses",
    "current_of",
    "cursor",
    "deletion_of",
    "deployed_settings",
    "find",
    "find_many",
    "in_options",
    "page",
    "parts_of",
    "place_of",
    "revisions_by_id",
    "revisions_by_number",
    "service_address",
    "told",
]
