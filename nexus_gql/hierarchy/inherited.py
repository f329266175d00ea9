"""What somebody sees of a level's settings who may see only something below it: what that inherits."""

from nexus_gql.access import Scope
from nexus_gql.paths import Path, within

from .catalogue import Catalogue
from .provenance import Frozen


def inherited(catalogue: Catalogue, scope: Scope, path: Path) -> Frozen:
    """The settings in force at a level, as far as they hold in what the viewer sees below it.

    Each of these they see there already, with where it comes from; what all that they see overrides or takes away is left out.
    """
    whole = catalogue.effective(path)
    # What a grant opens is enough: whatever is further below inherits through that.
    grants = (where for where, _ in scope.grants if where is not None and within(path, where))
    below = [where for where in grants if where in catalogue.levels]
    keys = {
        leaf.key
        for where in below
        for leaf in catalogue.effective(where).values
        if leaf.origin.path is not None and within(leaf.origin.path, path)
    }
    leaves = {key: leaf for key in sorted(keys) if (leaf := whole.value(key)) is not None}
    return Frozen(path, whole.declaration, leaves)
