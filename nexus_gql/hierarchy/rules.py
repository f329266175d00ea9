"""What a text must look like: rules that answer what is wrong, or None.

They are those of the Kubernetes apiserver (apimachinery/pkg/util/validation, core/validation) and of the OCI distribution
specification; the limits are theirs, too.
"""

import math
import re
from collections.abc import Callable
from decimal import Decimal

from nexus_gql import clock, paths

Rule = Callable[[str], str | None]
"""Says what is wrong with a text, or None."""

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_QUALIFIED_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\Z")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?\Z")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*\Z")
_PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?\Z")
_FILE_KEY = re.compile(r"[-._a-zA-Z0-9]+\Z")
_REPOSITORY = re.compile(
    r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][-a-zA-Z0-9]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][-a-zA-Z0-9]*[a-zA-Z0-9]))*(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*\Z"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z|sha512:[0-9a-f]{128}\Z")
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?[0-9]{1,3}))?\Z")
_PERCENT = re.compile(r"([0-9]+)%\Z")
_NUMBER = re.compile(r"[0-9]+\Z")

_SCALES = {None: Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(1000)}
_SCALES |= {letter: Decimal(1000) ** power for power, letter in enumerate("MGTPE", start=2)}
_SCALES |= {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}

RESERVED = "nexus.optimal-reality.io"
"""The prefix of the labels and annotations that Nexus itself puts on what it makes."""


def matching(pattern: re.Pattern[str], expected: str, limit: int = 255) -> Rule:
    """A rule that wants a pattern matched."""

    def rule(text: str) -> str | None:
        return None if len(text) <= limit and pattern.match(text) else f"{expected}; {text[:80]!r} is not."

    return rule


subdomain = matching(
    _SUBDOMAIN, "A name of a Kubernetes object is lower-case letters, digits, hyphens and dots, at most 253", 253
)
repository = matching(
    _REPOSITORY, "A repository is written without tag, as in `ghcr.io/or/churn`, in lower case, at most 255 characters"
)
tag = matching(_TAG, "A tag is letters, digits, `_`, `.` and `-`, at most 128")
digest = matching(_DIGEST, "A digest is written as `sha256:` and 64 hexadecimal digits")
port_name = matching(
    _PORT_NAME, "A port's name has at most 15 lower-case letters, digits and single hyphens, with a letter among them"
)
file_key = matching(_FILE_KEY, "A file's name is letters, digits, `-`, `_` and `.`, at most 253", 253)
label_value = matching(
    _LABEL_VALUE,
    "A label's value is letters, digits, `-`, `_` and `.`, at most 63, with a letter or digit at both ends",
    63,
)


def env_name(text: str) -> str | None:
    """A variable's name, as every Kubernetes version takes it; a secret one's is a key of a Secret, too, of 253 at most."""
    if len(text) > 253 or not _ENV_NAME.match(text) or text in {".", ".."} or text.startswith(".."):
        return f"A variable's name is letters, digits, `_`, `-` and `.` and does not begin with a digit; {text[:80]!r} is not."
    return None


def qualified_name(text: str) -> str | None:
    """The name of a label or annotation: a name of 63 characters, with or without a DNS name and a slash before it."""
    prefix, slash, name = text.rpartition("/")
    if slash and (not prefix or len(prefix) > 253 or not _SUBDOMAIN.match(prefix)):
        return f"Before the slash of a label's name stands a DNS name in lower case; {prefix[:80]!r} is none."
    if len(name) > 63 or not _QUALIFIED_NAME.match(name):
        return f"A label's name is letters, digits, `-`, `_` and `.`, at most 63, with a letter or digit at both ends; {name[:80]!r} is not."
    return None


def own_qualified_name(text: str) -> str | None:
    """The name of a label or annotation that a user may set."""
    prefix = text.rpartition("/")[0]
    if prefix == RESERVED or prefix.endswith(f".{RESERVED}"):
        return f"Names under {RESERVED}/ are kept for Nexus itself."
    return qualified_name(text)


def quantity(text: str) -> str | None:
    """An amount as Kubernetes writes it, zero or more."""
    amount = read_quantity(text)
    if amount is None:
        return f"An amount is written as `250m`, `0.5`, `512Mi` or `1G`; {text[:80]!r} is none."
    if amount < 0:
        return f"An amount is zero or more; {text[:80]!r} is less."
    if amount > Decimal(2) ** 63 - 1:
        return f"{text[:80]!r} is more than Kubernetes can count."
    return None


def cpu_quantity(text: str) -> str | None:
    """An amount of CPU: Kubernetes does not know less than a thousandth of a core."""
    amount = read_quantity(text)
    if (message := quantity(text)) is None and amount is not None and amount * 1000 != int(amount * 1000):
        return f"CPU is counted in thousandths of a core (`1m`); {text[:80]!r} is finer."
    return message


def memory_quantity(text: str) -> str | None:
    """An amount of memory in whole bytes (`100m` of memory is a tenth of a byte: somebody meant `100Mi`)."""
    amount = read_quantity(text)
    if (message := quantity(text)) is None and amount is not None and amount != int(amount):
        return f"Memory is counted in whole bytes, as in `128Mi`; {text[:80]!r} is not."
    return message


def read_quantity(text: str) -> Decimal | None:
    """The amount in its base unit (cores, bytes); None where the text is no quantity."""
    match = _QUANTITY.match(text)
    if match is None or len(text) > 64:
        return None
    number, suffix, exponent = match.groups()
    return Decimal(number) * (Decimal(10) ** int(exponent) if exponent else _SCALES[suffix])


def whole_seconds(low: int, high: int = 2**31 - 1) -> Rule:
    """A rule that wants a span of whole seconds between two bounds."""

    def rule(text: str) -> str | None:
        try:
            seconds = clock.parse_duration(text)
        except ValueError as error:
            return str(error)
        if not math.isfinite(seconds) or seconds != int(seconds) or not low <= seconds <= high:
            return f"This is a span of whole seconds, at least {low}s, as in `15s` or `1h30m`; {text[:80]!r} is not."
        return None

    return rule


def count_or_percent(text: str) -> str | None:
    """`2` or `25%`, as a rolling update's bounds are written."""
    percent = _PERCENT.match(text)
    if percent and int(percent[1]) <= 100:
        return None
    if _NUMBER.match(text) and int(text) < 2**31:
        return None
    return f"This is a number of pods (`1`) or a share of them (`25%`); {text[:80]!r} is neither."


def port_reference(text: str) -> str | None:
    """A port by name or by number."""
    if _NUMBER.match(text):
        return None if 1 <= int(text) <= 65535 else f"A port lies between 1 and 65535; {text[:80]} does not."
    return port_name(text)


def absolute_path(text: str) -> str | None:
    """A path in a container at which something is mounted."""
    if not text.startswith("/") or ":" in text or {"", ".", ".."} & set(text[1:].split("/")):
        return f"This is an absolute path in the container without `:`, `..` and spare slashes, as in `/etc/app/config.yaml`; {text[:80]!r} is not."
    return None


def http_path(text: str) -> str | None:
    """The path of an HTTP probe."""
    return None if text.startswith("/") else f"A path begins with `/`; {text[:80]!r} does not."


def ingress_path(text: str) -> str | None:
    """The path of an ingress rule: no proxy may have to guess which path is meant (networking/validation, `invalidPathSequences`)."""
    if any(part in text for part in ("//", "/./", "/../", "%2f", "%2F")) or text.endswith(("/..", "/.")):
        return f"A path here has no `//`, `/./`, `/../` or `%2f`; {text[:80]!r} has."
    return http_path(text)


def reference(text: str) -> str | None:
    """Another application, absolute or relative."""
    segments = text.split("/")
    if len(segments) not in {1, 2, 4} or not all(paths.is_label(segment) for segment in segments):
        return (
            f"An application is named as `or/local/ddk/features`, `ddk/features` or `features`; {text[:80]!r} is none."
        )
    return None


def host(text: str) -> str | None:
    """The host of an ingress rule: a DNS name, or `*.` and one."""
    name = text.removeprefix("*.")
    is_address = len(labels := text.split(".")) == 4 and all(_NUMBER.match(label) for label in labels)
    if len(text) <= 253 and _SUBDOMAIN.match(name) and "." in text.removesuffix(".") and not is_address:
        return None
    return f"A host is written as `models.example.org` or `*.example.org`; {text[:80]!r} is not."


def positive_quantity(text: str) -> str | None:
    """An amount of storage: whole bytes, more than none."""
    if (amount := read_quantity(text)) is not None and amount <= 0:
        return f"This must be more than nothing; {text[:80]!r} is not."
    return memory_quantity(text)


def label(text: str) -> str | None:
    """A name that becomes part of a Kubernetes object's name."""
    if paths.is_label(text):
        return None
    return f"A name here is lower-case letters, digits and hyphens, at most 63; {text[:80]!r} is not."


def config_key(text: str) -> str | None:
    """A key of a Secret."""
    if text in {".", ".."} or text.startswith(".."):
        return f"A key of a Secret does not begin with two dots; {text[:80]!r} does."
    return file_key(text)
