"""Cases as files: `<kind>/cases.yaml` beside the object that they are laid over."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

Case = Mapping[str, Any]


def cases(kind: str) -> list[Case]:
    """The cases of a kind, in their order."""
    found: list[Case] = yaml.safe_load((Path(__file__).parent / kind / "cases.yaml").read_text())
    return found


def named(kind: str) -> pytest.MarkDecorator:
    """Runs a test with each case of a kind, under its name."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in cases(kind)])


def laid_over(kind: str, case: Case) -> dict[str, Any]:
    """The object of a case: metadata and spec over the kind's own, field by field, and its own status if it has one."""
    whole: dict[str, Any] = yaml.safe_load((Path(__file__).parent / kind / "object.yaml").read_text())
    parts: Mapping[str, Any] = case.get("object") or {}
    for part in ("metadata", "spec"):
        whole[part] = {**whole[part], **(parts.get(part) or {})}
    if "status" in parts:
        whole["status"] = parts["status"]
    return whole
