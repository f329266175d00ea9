"""What of an apply is decided without a cluster."""

import base64
from typing import Any

import pytest

from nexus_gql.clusters import Cause, Conflicting, Status
from nexus_gql.workloads.apply import _essence, _field_conflict, number_of, with_secrets
from nexus_gql.workloads.manifests import HIDDEN
from nexus_gql.workloads.rendering import NUMBER


def item(**annotations: str) -> dict[str, Any]:
    return {"metadata": {"name": "churn", "annotations": annotations or None}}


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), ("0", 0), ("", 0), ("-7", 0), ("7x", 0), ("²", 0), ("9" * 18, int("9" * 18))]
)
def test_a_number_should_be_read_as_nexus_wrote_it(text: str, number: int) -> None:
    assert number_of(item(**{NUMBER: text})) == number


def test_an_object_without_a_number_should_have_none() -> None:
    assert number_of(item()) == 0
    assert number_of({"metadata": {}}) == 0


def test_texts_should_be_filled_in_where_they_are_hidden_and_nowhere_else() -> None:
    secret = {"kind": "Secret", "metadata": {}, "data": {"TOKEN": HIDDEN}}
    other = {"kind": "ConfigMap", "data": {"TOKEN": HIDDEN}}

    filled = with_secrets(secret, {"TOKEN": "größer", "OTHER": "x"})

    assert {key: base64.b64decode(value).decode() for key, value in filled["data"].items()} == {"TOKEN": "größer"}
    assert secret["data"] == {"TOKEN": HIDDEN}
    assert with_secrets(other, {"TOKEN": "x"}) == other


def test_bookkeeping_and_status_should_not_count_as_a_change() -> None:
    before = {"kind": "Deployment", "metadata": {"name": "a", "labels": {"x": "y"}}, "spec": {"replicas": 1}}
    kept = {"resourceVersion": "2", "generation": 2, "managedFields": []}
    after = {**before, "metadata": {"name": "a", "labels": {"x": "y"}, **kept}, "status": {"replicas": 1}}

    assert _essence(before) == _essence(after)
    assert _essence(before) != _essence({**after, "spec": {"replicas": 2}})
    assert _essence(before) != _essence({**after, "metadata": {"name": "a", "labels": {}}})


def test_a_conflict_should_name_the_fields_and_who_has_set_them() -> None:
    causes = [Cause("FieldManagerConflict", f'conflict with "{who}" using apps/v1', field) for who, field in FIELDS]
    manifest = {"kind": "Deployment", "metadata": {"name": "churn"}}

    one = _field_conflict(manifest, Conflicting("x", Status(409, "Conflict", "x", tuple(causes[:1]))))
    many = _field_conflict(manifest, Conflicting("x", Status(409, "Conflict", "x", tuple(causes))))

    assert str(one) == "Deployment `churn`: .spec.replicas is set by `kubectl`."
    assert str(many).endswith(".f3 and 2 more are set by `hpa` and `kubectl`.")


FIELDS = [("kubectl", ".spec.replicas"), ("hpa", ".f0"), *(("kubectl", f".f{number}") for number in range(1, 6))]
