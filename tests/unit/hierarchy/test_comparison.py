"""How two sets of settings differ."""

from typing import Any

from hypothesis import given

from nexus_gql.hierarchy import LeafChange, compare, is_secret

from .generated import documents


def test_each_leaf_that_differs_should_be_told_by_its_key() -> None:
    before: dict[str, Any] = {"replicas": 1, "image.tag": "1", "env.A": {"text": "a"}}
    after: dict[str, Any] = {"replicas": 2, "image.tag": "1", "env.B": {"text": "b"}}
    assert compare(before, after) == [
        LeafChange("env.A", {"text": "a"}, None),
        LeafChange("env.B", None, {"text": "b"}),
        LeafChange("replicas", 1, 2),
    ]


def test_a_secret_should_be_set_or_not_and_nothing_more() -> None:
    one, another = {"env.A": {"secret": "id-1"}}, {"env.A": {"secret": "id-2"}}
    assert compare(one, another) == []
    assert compare(one, {}) == [LeafChange("env.A", {"secret": True}, None)]
    assert compare({"env.A": {"text": "id-1"}}, one) == [LeafChange("env.A", {"text": "id-1"}, {"secret": True})]
    assert "id-" not in str([compare({}, one), compare(one, {})])


@given(before=documents(), after=documents())
def test_the_changes_should_lead_from_one_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = ({key: value for key, value in one.items() if value is not None} for one in (before, after))
    result = dict(old)
    for change in compare(old, new):
        result.pop(change.key, None)
        if change.after is not None:
            result[change.key] = new[change.key]
    assert {key: value for key, value in result.items() if not is_secret(value)} == {
        key: value for key, value in new.items() if not is_secret(value)
    }
    assert result.keys() == new.keys()
    assert compare(old, old) == []
