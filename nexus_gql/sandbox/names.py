"""How names, labels and annotations must look, and what is said of those that do not."""

import re
from collections.abc import Iterator

from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.refusals import Cause, Object
from nexus_gql.sandbox.shown import bad, required

Causes = Iterator[Cause]

DNS_LABEL = re.compile(r"(?=.{1,63}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
HOST = re.compile(r"(?=.{1,253}\Z)(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
CONFIG_KEY = re.compile(r"(?=.{1,253}\Z)[-._a-zA-Z0-9]+")
PERCENT = re.compile(r"[0-9]+%")
_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SERVICE = re.compile(r"(?=.{1,63}\Z)[a-z]([-a-z0-9]*[a-z0-9])?")
_NAME_PART = re.compile(r"(?=.{1,63}\Z)([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_VALUE = re.compile(r"(?=.{0,63}\Z)(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_ANNOTATIONS_LIMIT = 256 * 1024

NOT_NEGATIVE = "must be greater than or equal to 0"
PERCENT_WORDS = (
    "a valid percent string must be a numeric string followed by an ending '%' "
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
)
DNS_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
WILDCARD_WORDS = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower "
    "case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used "
    r"for validation is '\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_SERVICE_WORDS = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
CONFIG_KEY_WORDS = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_NAME_PART_WORDS = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_QUALIFIED_WORDS = (
    f"a qualified name {_NAME_PART_WORDS.removeprefix('name part ')} with an optional DNS subdomain prefix and '/' "
    "(e.g. 'example.com/MyName')"
)
_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def metadata(kind: Kind, old: Object | None, fields: Object) -> Causes:
    """What is wrong with an object's name, labels and annotations."""
    if old is None:
        yield from _name(kind, fields.get("name", ""))
    elif fields.get("uid") != old["metadata"]["uid"]:
        yield bad("metadata.uid", fields.get("uid", ""), "field is immutable")
    before = {} if old is None else old["metadata"]
    if fields.get("labels") != before.get("labels"):
        yield from labels(fields.get("labels", {}), "metadata.labels")
    if fields.get("annotations") != before.get("annotations"):
        yield from annotations(fields.get("annotations", {}), "metadata.annotations")
    if fields.get("finalizers") != before.get("finalizers"):
        for index, name in enumerate(fields.get("finalizers", ())):
            yield from _key(name, "metadata.finalizers")
            if "/" not in name and name not in _FINALIZERS:
                words = "name is neither a standard finalizer name nor is it fully qualified"
                yield bad(f"metadata.finalizers[{index}]", name, words)


def _name(kind: Kind, name: str) -> Causes:
    if not name:
        yield Cause("FieldValueRequired", "metadata.name", "Required value: name or generateName is required")
        return
    pattern, words, limit = _RULES.get(kind.name, (_SUBDOMAIN, SUBDOMAIN_WORDS, 253))
    if len(name) > limit:
        yield bad("metadata.name", name, f"must be no more than {limit} characters")
    elif not pattern.fullmatch(name):
        yield bad("metadata.name", name, words)


_RULES = {
    "Service": (_SERVICE, _SERVICE_WORDS, 63),
    "Namespace": (DNS_LABEL, DNS_LABEL_WORDS, 63),
}


def subdomain(name: str, path: str) -> Causes:
    """What is wrong with the name of an object that is referred to."""
    if not _SUBDOMAIN.fullmatch(name):
        yield bad(path, name, SUBDOMAIN_WORDS)


def labels(found: Object, path: str) -> Causes:
    """What is wrong with labels."""
    for key, value in found.items():
        yield from _key(key, path)
        if len(value) > 63:
            yield bad(path, value, "must be no more than 63 characters")
        elif not _VALUE.fullmatch(value):
            yield bad(path, value, _VALUE_WORDS)


def annotations(found: Object, path: str) -> Causes:
    """What is wrong with annotations."""
    for key in found:
        yield from _key(key.lower(), path, shown=key)
    if sum(len(key.encode()) + len(value.encode()) for key, value in found.items()) > _ANNOTATIONS_LIMIT:
        yield Cause("FieldValueTooLong", path, f"Too long: may not be more than {_ANNOTATIONS_LIMIT} bytes")


def _key(key: str, path: str, shown: str | None = None) -> Causes:
    prefix, slash, name = key.rpartition("/")
    text = key if shown is None else shown
    if "/" in prefix:
        yield bad(path, text, _QUALIFIED_WORDS)
        return
    if slash and not prefix:
        yield bad(path, text, "prefix part must be non-empty")
    elif slash and not _SUBDOMAIN.fullmatch(prefix):
        yield bad(path, text, f"prefix part {SUBDOMAIN_WORDS}")
    if not name:
        yield bad(path, text, "name part must be non-empty")
    elif len(name) > 63:
        yield bad(path, text, "name part must be no more than 63 characters")
    if not _NAME_PART.fullmatch(name) and len(name) <= 63:
        yield bad(path, text, _NAME_PART_WORDS)


__all__ = ["Causes", "annotations", "labels", "metadata", "required", "subdomain"]
