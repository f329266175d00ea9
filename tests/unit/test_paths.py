"""Addresses in the hierarchy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql import paths
from nexus_gql.paths import MalformedPath, Path

LABELS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z", fullmatch=True).map(lambda text: text.rstrip("\n"))
PATHS = st.lists(LABELS, min_size=1, max_size=4).map(lambda segments: Path("/".join(segments)))


@given(PATHS)
def test_a_path_should_be_its_own_spelling(path: Path) -> None:
    assert paths.parse(path) == path


@given(PATHS)
def test_a_lineage_should_go_from_the_project_down_to_the_path(path: Path) -> None:
    lineage = paths.lineage(path)
    assert [paths.depth(step) for step in lineage] == list(range(1, paths.depth(path) + 1))
    assert [paths.parent(step) for step in lineage] == [None, *lineage[:-1]]
    assert all(paths.within(step, path) for step in lineage)


@given(PATHS, PATHS)
def test_within_should_mean_that_the_scope_is_in_the_lineage(scope: Path, path: Path) -> None:
    assert paths.within(scope, path) == (scope in paths.lineage(path))


@given(PATHS, LABELS)
def test_a_child_should_know_its_parent_and_its_name(path: Path, name: str) -> None:
    child = paths.child(path, name)
    assert (paths.parent(child), paths.name(child)) == (path, name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "or/",
        "/or",
        "or//local",
        "a/b/c/d/e",
        "Or",
        "o_r",
        "-or",
        "or-",
        "or\n",
        "ö",
        "a" * 64,
        "or/local/models/churn/",
        "o\0r",
        "\ud800",
        "a" * 2_000_000,
        "٣",
    ],
)
def test_a_text_that_is_no_path_should_be_refused_in_few_words(text: str) -> None:
    with pytest.raises(MalformedPath) as refusal:
        paths.parse(text)
    message = str(refusal.value)
    assert len(message) < 500
    assert message.encode()


def test_everything_should_be_within_nothing_in_particular() -> None:
    assert paths.within(None, Path("or"))


def test_a_neighbour_with_a_longer_name_should_not_be_within() -> None:
    assert not paths.within(Path("or/local"), Path("or/local-2"))


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        ("x/y/z/features", "x/y/z/features"),
        ("ddk/features", "or/local/ddk/features"),
        ("features", "or/local/models/features"),
    ],
)
def test_a_reference_should_be_read_from_where_the_application_is(reference: str, meant: str) -> None:
    assert paths.resolve_reference(reference, Path("or/local/models/churn")) == meant


@pytest.mark.parametrize("reference", ["a/b/c", "a/b/c/d/e", "", "A", "a/", "/a", "a/B"])
def test_a_reference_of_another_shape_should_be_refused(reference: str) -> None:
    with pytest.raises(MalformedPath):
        paths.resolve_reference(reference, Path("or/local/models/churn"))


def test_a_short_kubernetes_name_should_be_the_path_with_hyphens() -> None:
    assert paths.kubernetes_namespace(Path("or/local/models")) == "or-local-models"


@given(st.lists(LABELS, min_size=3, max_size=3).map(lambda segments: Path("/".join(segments))))
def test_a_kubernetes_name_should_always_be_a_label(path: Path) -> None:
    assert paths.is_label(paths.kubernetes_namespace(path))


def test_long_kubernetes_names_that_begin_alike_should_stay_different() -> None:
    one, other = (paths.kubernetes_namespace(Path(f"{'a' * 60}/{'b' * 60}/{end}")) for end in ("c", "d"))
    assert one != other
    assert len(one) == 63
    assert paths.kubernetes_namespace(Path(f"{'a' * 60}/{'b' * 60}/c")) == one


def test_a_cut_at_a_hyphen_should_not_leave_two() -> None:
    assert "--" not in paths.kubernetes_namespace(Path(f"{'a' * 53}/{'b' * 20}/c"))
