"""What holds of the fold whatever the documents: laws over documents made from the declaration."""

import json
from collections.abc import Mapping
from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.hierarchy import SETTINGS, ApplicationKind, Effective, Origin, freeze, masked_overrides, thaw
from nexus_gql.hierarchy.configuring import checked_patch
from nexus_gql.hierarchy.declaration import Group, Named, Single
from nexus_gql.hierarchy.documents import DROPPED, flattened, fold, marked, nested, settled
from nexus_gql.hierarchy.patches import apply
from nexus_gql.hierarchy.provenance import effective
from nexus_gql.paths import Path, lineage

from .generated import SECRET_TEXT, documents, flat, nested_documents, patches

APPLICATION = Path("or/local/models/churn")
KINDS = st.sampled_from(ApplicationKind)
LEVELS = st.lists(documents(), min_size=4, max_size=4)


def at(application_documents: list[dict[str, Any]], kind: ApplicationKind | None = ApplicationKind.MODEL) -> Effective:
    return effective(APPLICATION, list(zip(lineage(APPLICATION), application_documents, strict=True)), kind, SETTINGS)


def reference(layers: list[Mapping[str, Any]], key: str) -> tuple[int | None, Any]:
    """Which layer decides a leaf, and its value: the definition, layer by layer from the lowest, without any folding."""
    whole = key.partition(".")[0]
    for number in range(len(layers) - 1, -1, -1):
        layer = layers[number]
        if key in layer:
            return number, layer[key]
        if layer.get(whole, ...) is None:
            return number, None
    return None, None


@given(documents(), documents(), documents())
def test_folding_should_be_associative(one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]) -> None:
    a, b, c = (marked(document, SETTINGS) for document in (one, two, three))
    assert fold(fold(a, b), c) == fold(a, fold(b, c))


@given(documents())
def test_an_empty_document_should_change_nothing(document: dict[str, Any]) -> None:
    layer = marked(document, SETTINGS)
    assert fold(layer, {}) == layer == fold({}, layer)


@given(LEVELS, KINDS)
def test_each_leaf_should_come_from_the_lowest_level_that_set_or_dropped_it(
    levels: list[dict[str, Any]], kind: ApplicationKind
) -> None:
    settings = at(levels, kind)
    layers = [layer for _, layer in settings.layers]
    keys = {key for layer in layers for key in layer if SETTINGS.key(key).is_leaf}
    for key in keys:
        number, value = reference(layers, key)
        resolved = settings.value(key)
        if value is None or value is DROPPED:
            assert resolved is None
        else:
            assert resolved is not None
            assert number is not None
            assert resolved.origin == Origin(None if number == 0 else lineage(APPLICATION)[number - 1])


@given(LEVELS, KINDS)
def test_the_effective_document_should_be_rebuilt_from_its_values(
    levels: list[dict[str, Any]], kind: ApplicationKind
) -> None:
    settings = at(levels, kind)
    assert {resolved.key: resolved.value for resolved in settings.values} == settings.document
    assert [resolved.key for resolved in settings.values] == sorted(settings.document)
    assert all(SETTINGS.key(key).is_leaf for key in settings.document)


@given(LEVELS)
def test_the_effective_document_should_be_the_fold_of_the_layers(levels: list[dict[str, Any]]) -> None:
    settings = at(levels)
    folded: dict[str, Any] = reduce(fold, [layer for _, layer in settings.layers], {})
    assert settings.document.keys() == settled(folded).keys()


@given(LEVELS)
def test_what_was_overridden_should_be_listed_from_the_nearest_up(levels: list[dict[str, Any]]) -> None:
    order = [Origin(path) for path in reversed(lineage(APPLICATION))] + [Origin(None)]
    for resolved in at(levels).values:
        places = [order.index(origin) for origin in (resolved.origin, *(origin for origin, _ in resolved.overrides))]
        assert places == sorted(set(places))


@given(nested_documents)
def test_a_nested_document_should_be_flattened_and_nested_again(shape: dict[str, Any]) -> None:
    document = flattened(shape, SETTINGS)
    assert document == flat(shape)
    masked = json.loads(json.dumps(nested(document, SETTINGS)).replace(json.dumps(SECRET_TEXT), "true"))
    assert nested(document, SETTINGS) == masked


@given(documents())
def test_a_stored_document_should_be_found_again_in_what_is_shown(document: dict[str, Any]) -> None:
    again = flattened(nested(document, SETTINGS), SETTINGS)
    assert again.keys() == document.keys()
    assert {key for key, value in again.items() if value is None} == {
        key for key, value in document.items() if value is None
    }


def every_key(document: Mapping[str, Any]) -> list[str]:
    return sorted({key.partition(".")[0] for key in document})


@given(LEVELS, patches())
def test_a_patch_and_then_its_inherit_should_give_back_what_is_above(
    levels: list[dict[str, Any]], shape: dict[str, Any]
) -> None:
    above = at([*levels[:3], {}])
    patch, problems = checked_patch(shape, "patch")
    assert problems == []
    own = apply({}, patch, SETTINGS)
    back, problems = checked_patch({"inherit": sorted(own)}, "patch")
    assert problems == []
    assert at([*levels[:3], apply(own, back, SETTINGS)]).values == above.values
    whole, problems = checked_patch({"inherit": every_key(own)}, "patch")
    assert problems == []
    assert apply(own, whole, SETTINGS) == {}


@given(documents(), patches())
def test_applying_a_patch_twice_should_be_applying_it_once(document: dict[str, Any], shape: dict[str, Any]) -> None:
    patch, _ = checked_patch(shape, "patch")
    once = apply(document, patch, SETTINGS)
    assert apply(once, patch, SETTINGS) == once


@given(documents(), patches())
def test_a_patch_should_be_in_force_where_it_was_made(document: dict[str, Any], shape: dict[str, Any]) -> None:
    patch, _ = checked_patch(shape, "patch")
    after = apply(document, patch, SETTINGS)
    assert {key: after[key] for key in patch.sets} == patch.sets


@given(documents())
def test_removing_everything_should_leave_nothing_in_force(document: dict[str, Any]) -> None:
    patch, problems = checked_patch({"remove": [setting.name for setting in SETTINGS]}, "patch")
    assert problems == []
    levels = [document, document, document, apply(document, patch, SETTINGS)]
    assert at(levels).document == {}


@given(LEVELS, patches(), KINDS)
def test_a_secrets_text_should_be_in_no_output(
    levels: list[dict[str, Any]], shape: dict[str, Any], kind: ApplicationKind
) -> None:
    patch, problems = checked_patch(shape, "patch")
    own = apply({}, patch, SETTINGS)
    settings = at([levels[0], own, levels[2], own], kind)
    outputs = [
        repr(patch),
        repr(problems),
        repr(settings),
        json.dumps(settings.shape),
        json.dumps(nested(own, SETTINGS)),
        json.dumps(freeze(settings)),
        repr(settings.values),
        repr([masked_overrides(resolved) for resolved in settings.values]),
        repr(thaw(APPLICATION, freeze(settings), SETTINGS)),
    ]
    assert not [output for output in outputs if SECRET_TEXT in output]
    assert list(patch.secrets.values()) == [SECRET_TEXT] * len(patch.secrets)


@given(LEVELS)
def test_a_secret_should_be_shown_as_there_is_one(levels: list[dict[str, Any]]) -> None:
    for resolved in at(levels).values:
        overridden = [value for _, value in resolved.overrides]
        shown = [value for _, value in masked_overrides(resolved)]
        for value, masked in zip(overridden, shown, strict=True):
            secret = isinstance(value, dict) and value.keys() == {"secret"}
            assert masked == ({"secret": True} if secret else value)


@given(LEVELS, KINDS)
def test_frozen_settings_should_answer_as_they_did(levels: list[dict[str, Any]], kind: ApplicationKind) -> None:
    settings = at(levels, kind)
    frozen = thaw(APPLICATION, json.loads(json.dumps(freeze(settings))), SETTINGS)
    assert frozen.values == settings.values
    assert (frozen.document, frozen.shape) == (settings.document, settings.shape)
    assert all(frozen.value(key) == settings.value(key) for key in settings.document)
    assert frozen.value("env.NOWHERE") is None
    assert freeze(frozen) == freeze(settings)


@given(patches())
def test_a_generated_patch_should_be_a_good_one(shape: dict[str, Any]) -> None:
    assert checked_patch(shape, "patch")[1] == []


def test_every_setting_should_have_a_description_and_fields_of_one_of_three_kinds() -> None:
    for setting in SETTINGS:
        assert isinstance(setting, Single | Group | Named)
        assert setting.doc.endswith(".")
