"""Scopes as values: an algebra with laws."""

from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.access import EVERYTHING, Role, Scope
from nexus_gql.access.scope import narrowed, scope
from nexus_gql.paths import Path, within

# Few names, so that paths lie within each other often; some begin like others.
NAMES = st.sampled_from(["a", "b", "a-b"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda segments: Path("/".join(segments)))
PLACES = st.none() | PATHS
ROLES = st.sampled_from(Role)
GRANTS = st.lists(st.tuples(PLACES, ROLES), max_size=6)


def role_of(grants: list[tuple[Path | None, Role]], path: Path | None) -> Role:
    """The definition: the highest of all grants whose place the path lies in."""
    return max(
        (role for where, role in grants if where is None or (path is not None and within(where, path))),
        default=Role.NONE,
    )


@given(GRANTS, PLACES)
def test_a_scope_should_give_the_highest_role_granted_there_or_above(
    grants: list[tuple[Path | None, Role]], path: Path | None
) -> None:
    assert scope(grants).role(path) == role_of(grants, path)


@given(GRANTS, st.randoms(use_true_random=False))
def test_a_scope_should_not_depend_on_order_repetition_or_what_is_implied(
    grants: list[tuple[Path | None, Role]], random: object
) -> None:
    other = [*reversed(grants), *grants, *((where, Role.NONE) for where, _ in grants)]
    assert scope(other) == scope(grants)
    assert scope(other).key == scope(grants).key
    assert scope(scope(grants).grants) == scope(grants)


@given(GRANTS, GRANTS)
def test_scopes_that_give_the_same_everywhere_should_be_the_same(
    one: list[tuple[Path | None, Role]], other: list[tuple[Path | None, Role]]
) -> None:
    places = {where for where, _ in [*one, *other]} | {None}
    same = all(role_of(one, place) == role_of(other, place) for place in places)
    assert (scope(one) == scope(other)) == same
    assert (scope(one).key == scope(other).key) == same


@given(GRANTS, PLACES, ROLES, PLACES)
def test_a_token_should_never_have_more_than_its_maker_nor_than_itself(
    grants: list[tuple[Path | None, Role]], place: Path | None, role: Role, asked: Path | None
) -> None:
    left = narrowed(grants, path=place, role=role).role(asked)
    assert left == min(role_of(grants, asked), role_of([(place, role)], asked))


@given(GRANTS, PATHS)
def test_a_level_should_be_glimpsed_when_something_at_or_below_it_is_seen(
    grants: list[tuple[Path | None, Role]], path: Path
) -> None:
    viewer = scope(grants)
    below = [where for where, role in grants if where is not None and role > Role.NONE and within(path, where)]
    assert viewer.glimpses(path) == (viewer.sees(path) or bool(below))


@given(GRANTS, PATHS)
def test_whoever_sees_a_level_should_glimpse_its_ancestors(grants: list[tuple[Path | None, Role]], path: Path) -> None:
    viewer = scope(grants)
    if viewer.sees(path):
        assert viewer.glimpses(Path(path.partition("/")[0]))


def test_nobody_should_see_anything() -> None:
    nobody = scope([])
    assert nobody == Scope(())
    assert nobody.role(None) is Role.NONE
    assert not nobody.glimpses(Path("or"))


def test_a_neighbour_with_a_longer_name_should_not_be_seen() -> None:
    viewer = scope([(Path("or/local"), Role.ADMIN)])
    assert not viewer.sees(Path("or/local-2"))
    assert viewer.role(Path("or")) is Role.NONE


def test_everything_should_be_everything() -> None:
    assert EVERYTHING.role(None) is EVERYTHING.role(Path("or/local/models/churn")) is Role.ADMIN


def test_each_role_should_include_those_before_it() -> None:
    assert sorted(Role) == [Role.NONE, Role.VIEWER, Role.DEPLOYER, Role.ADMIN]
