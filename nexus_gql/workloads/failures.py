"""What an operation says when it cannot go on: what applying and the cluster raise, as failures with their remedies."""

from nexus_gql.clusters import ClusterError, PassingError, RequestError

from .apply import FieldConflict, ForeignObject, Overtaken
from .operation import Failure, OperationKind
from .replacement import Fixed
from .secret_values import LostSecret
from .taken_names import REMEDY, TakenName

UNREACHABLE = "ClusterUnreachable"
FINAL = (ForeignObject, FieldConflict, TakenName, Overtaken, LostSecret, Fixed, ClusterError)
"""What is not tried again, unless it is a PassingError."""


def failure_of(error: Exception) -> Failure:
    """One of these, as a failure."""
    match error:
        case ForeignObject() | FieldConflict():
            return Failure("Conflict", str(error), "Deploy with takeOver to make it Nexus's own.")
        case TakenName():
            return Failure("NameTaken", str(error), REMEDY, holder=error.holder)
        case Overtaken():
            return Failure("Overtaken", str(error), "Look at the newer operation.")
        case LostSecret():
            return Failure("MissingSecret", str(error))
        case Fixed():
            return Failure("Immutable", str(error), error.remedy)
        case RequestError():
            reason = error.status.reason or "Refused"
            return Failure(reason, f"Kubernetes refuses it: {error}", _REFUSED.get(reason))
    remedy = "Give the credentials with which the cluster is registered the right to do this."
    return Failure("Forbidden", str(error), remedy)


_REFUSED = {
    "Invalid": "Correct the setting that the message names.",
    "NotFound": "The namespace is being deleted, or a kind is not known there; look with `diagnoseCluster`.",
    "Forbidden": "A quota or an admission rule stands in the way.",
}


def unreachable(error: PassingError, kind: OperationKind) -> Failure:
    """A cluster that did not answer for as long as an operation waits."""
    return Failure(UNREACHABLE, str(error), _LOOK + _UNREACHABLE.get(kind, "deploy again."))


_LOOK = "Check the cluster (`clusters`, `nexus doctor`), then "
_UNREACHABLE = {
    OperationKind.REMOVE: "remove it again. A cluster that took its place is told with `updateCluster`; where there is none, "
    "`deleteLevel` with `remove`, and after that without, deletes what is declared and leaves the rest.",
    OperationKind.DELETE: "ask for the deletion again. Where it is gone for good, ask for it without `remove`: what may still be "
    "on the cluster stays there.",
}
DELETION_REMEDY = _LOOK + _UNREACHABLE[OperationKind.DELETE]
