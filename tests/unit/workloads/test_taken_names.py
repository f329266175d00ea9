"""What is told of the application that has a name already."""

import pytest

from nexus_gql.access import EVERYTHING, Role, Scope
from nexus_gql.access.scope import scope
from nexus_gql.paths import Path
from nexus_gql.workloads import told
from nexus_gql.workloads.taken_names import belongs

HOLDER = "or/local/models/churn"
MESSAGE = belongs("Ingress", "churn-web", "or-local-models")


def who_views(path: str) -> Scope:
    return scope([(Path(path), Role.VIEWER)])


@pytest.mark.parametrize("viewer", [EVERYTHING, who_views("or"), who_views("or/local/models"), who_views(HOLDER)])
def test_who_may_see_it_should_be_told_which_it_is(viewer: Scope) -> None:
    assert told(MESSAGE, HOLDER, viewer) == f"{MESSAGE} It is `{HOLDER}`."


@pytest.mark.parametrize("viewer", [scope([]), who_views("or/local/models/churn-web"), who_views(f"{HOLDER}s")])
def test_who_may_not_see_it_should_be_told_that_alone(viewer: Scope) -> None:
    found = told(MESSAGE, HOLDER, viewer)
    assert found == (
        "Ingress `churn-web` in `or-local-models` belongs to another application. You may not see that one."
    )


def test_what_nobody_has_taken_should_be_told_as_it_is() -> None:
    assert told("no", None, scope([])) == "no"
