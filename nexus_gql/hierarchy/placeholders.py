"""`${project}`, `${environment}`, `${namespace}` and `${application}` stand for names in any text but secrets.

`$${project}` writes it out; every other `$` stays as it is.
"""

import re
from collections.abc import Mapping
from typing import Any

from nexus_gql.paths import DEPTHS, Path

_PLACEHOLDER = re.compile(r"(\$?)\$\{(" + "|".join(DEPTHS) + r")\}")


def names_of(path: Path) -> dict[str, str]:
    """What each placeholder stands for at a level; those of lower levels stand for nothing yet."""
    return dict(zip(DEPTHS, path.split("/"), strict=False))


def substitute(text: str, names: Mapping[str, str]) -> str:
    """The text with its placeholders replaced; one without a name stays."""
    if "${" not in text:
        return text

    def replaced(match: re.Match[str]) -> str:
        if match[1]:
            return f"${{{match[2]}}}"
        return names.get(match[2], match[0])

    return _PLACEHOLDER.sub(replaced, text)


def substitute_everywhere(value: Any, names: Mapping[str, str]) -> Any:
    """The JSON value with the placeholders of all its texts replaced; keys stay."""
    if isinstance(value, str):
        return substitute(value, names)
    if isinstance(value, list):
        return [substitute_everywhere(item, names) for item in value]
    if isinstance(value, dict):
        return {key: substitute_everywhere(item, names) for key, item in value.items()}
    return value


_SAMPLES = dict.fromkeys(DEPTHS, "x")


def with_samples(text: str) -> str:
    """The text as a rule should see it while the names are not known: each placeholder stands for a short name."""
    return substitute(text, _SAMPLES)
