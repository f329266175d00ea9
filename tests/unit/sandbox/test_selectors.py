import pytest

from nexus_gql.sandbox.kinds import KINDS
from nexus_gql.sandbox.refusals import Object, Refusal
from nexus_gql.sandbox.selectors import both, by_field, by_label, matches, written

LABELS = {"app": "web", "tier": "front", "weight": "5"}
OBJECT: Object = {"metadata": {"name": "p", "namespace": "x", "labels": LABELS}, "spec": {"nodeName": "n"}}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app=api", False),
        ("app!=api", True),
        ("other!=api", True),
        ("app", True),
        ("!app", False),
        ("!other", True),
        ("app in (web,api)", True),
        ("app in (api)", False),
        ("app notin (api)", True),
        ("other notin (api)", True),
        ("app in (web, api),tier=front", True),
        ("app=web,tier=back", False),
        ("weight>4", True),
        ("weight<4", False),
        ("app=", False),
        ("app>4", False),
    ],
)
def test_a_label_selector_should_select_as_it_says(selector: str, selected: bool) -> None:
    test = by_label(selector)

    assert (test is None or test(OBJECT)) is selected


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("metadata.name=p", True),
        ("metadata.name!=p", False),
        ("spec.nodeName=n,status.phase=", True),
        ("spec.nodeName=", False),
        ("spec.hostNetwork=false", True),
    ],
)
def test_a_field_selector_should_select_as_it_says(selector: str, selected: bool) -> None:
    test = by_field(KINDS["Pod"], selector)

    assert test is not None
    assert test(OBJECT) is selected


def test_a_field_that_cannot_be_selected_should_be_refused() -> None:
    with pytest.raises(Refusal, match=r"field label not supported: spec\.foo"):
        by_field(KINDS["Pod"], "spec.foo=1")


def test_two_selectors_should_let_through_what_both_do() -> None:
    test = both(by_label("app=web"), by_field(KINDS["Pod"], "metadata.name=q"))

    assert test is not None
    assert not test(OBJECT)
    assert both(None, None) is None


@pytest.mark.parametrize(
    ("expression", "selected", "text"),
    [
        ({"key": "app", "operator": "In", "values": ["web"]}, True, "app in (web)"),
        ({"key": "app", "operator": "NotIn", "values": ["web"]}, False, "app notin (web)"),
        ({"key": "app", "operator": "Exists"}, True, "app"),
        ({"key": "app", "operator": "DoesNotExist"}, False, "!app"),
    ],
)
def test_a_selector_of_an_object_should_select_and_be_written_alike(
    expression: Object, selected: bool, text: str
) -> None:
    selector = {"matchLabels": {"tier": "front"}, "matchExpressions": [expression]}
    test = by_label(written(selector))

    assert matches(selector, LABELS) is selected
    assert test is not None
    assert test(OBJECT) is selected
    assert written(selector) == f"tier=front,{text}"
