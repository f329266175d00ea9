"""Quantities as Kubernetes writes them: `500m`, `1Gi`, `2`."""

import re
from decimal import ROUND_UP, Decimal, InvalidOperation
from functools import lru_cache

PATTERN = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_PARTS = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(.*)\Z", re.DOTALL)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)\Z")
_SMALLEST = Decimal("1e-3")


@lru_cache(maxsize=4096)
def parse(text: str) -> Decimal:
    """The number; ValueError where it is no quantity."""
    number, suffix = _split(text)
    if suffix in _BINARY:
        return number * (1 << _BINARY[suffix])
    if suffix in _DECIMAL:
        return number.scaleb(_DECIMAL[suffix])
    return number.scaleb(int(suffix[1:]))


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """The same quantity as the apiserver writes it back: amounts of resources are rounded up to thousandths."""
    _, suffix = _split(text)
    value = parse(text)
    if value == 0:
        return "0"
    if suffix in _BINARY and abs(value) >= 1024 and value == value.to_integral_value():
        return _binary(int(value))
    value = value.quantize(_SMALLEST, rounding=ROUND_UP)
    if suffix[:1] in {"e", "E"} and len(suffix) > 1:
        return _exponent(value)
    return _decimal(value)


def _split(text: str) -> tuple[Decimal, str]:
    match = _PARTS.match(text)
    if match is None or not _known(match[2]):
        raise ValueError(f"quantities must match the regular expression '{PATTERN}'")
    try:
        return Decimal(match[1]), match[2]
    except InvalidOperation as error:
        raise ValueError(f"quantities must match the regular expression '{PATTERN}'") from error


def _known(suffix: str) -> bool:
    return suffix in _DECIMAL or suffix in _BINARY or _EXPONENT.match(suffix) is not None


def _binary(value: int) -> str:
    for suffix, bits in reversed(_BINARY.items()):
        if value % (1 << bits) == 0:
            return f"{value >> bits}{suffix}"
    return str(value)


def _decimal(value: Decimal) -> str:
    for suffix, power in reversed(_DECIMAL.items()):
        scaled = value.scaleb(-power)
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    return str(value)


def _exponent(value: Decimal) -> str:
    for power in range(18, -10, -3):
        scaled = value.scaleb(-power)
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}e{power}" if power else str(int(scaled))
    return str(value)
