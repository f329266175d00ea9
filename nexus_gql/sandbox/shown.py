"""The sentences of broken rules: how the apiserver shows a value and says what is wrong with it."""

import json
from typing import Any

from nexus_gql.sandbox.refusals import Cause


def value(found: Any) -> str:
    """A value as it stands in a sentence: numbers and objects bare, texts in quotes."""
    if found is None:
        return '""'
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def bad(path: str, found: Any, why: str) -> Cause:
    """A value that cannot be."""
    return Cause("FieldValueInvalid", path, f"Invalid value: {value(found)}: {why}")


def required(path: str, why: str = "") -> Cause:
    """Nothing where something must be."""
    return Cause("FieldValueRequired", path, f"Required value: {why}" if why else "Required value")


def duplicate(path: str, found: Any) -> Cause:
    """What may be there once is there again."""
    return Cause("FieldValueDuplicate", path, f"Duplicate value: {value(found)}")


def forbidden(path: str, why: str) -> Cause:
    """Something where nothing may be."""
    return Cause("FieldValueForbidden", path, f"Forbidden: {why}")


def unsupported(path: str, found: Any, allowed: tuple[str, ...]) -> Cause:
    """A word that is none of those that are allowed."""
    words = ", ".join(f'"{word}"' for word in allowed)
    return Cause("FieldValueNotSupported", path, f"Unsupported value: {value(found)}: supported values: {words}")


def missing(path: str, found: Any) -> Cause:
    """A reference to nothing."""
    return Cause("FieldValueNotFound", path, f"Not found: {value(found)}")
