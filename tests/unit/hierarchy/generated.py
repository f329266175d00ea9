"""Settings made from their declaration, so that every setting there is, or will be, is covered."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from nexus_gql.hierarchy import SETTINGS, Group, Json, Named, Single
from nexus_gql.hierarchy.values import (
    Boolean,
    Choice,
    Field,
    Integer,
    Kind,
    Pairs,
    Record,
    Records,
    Text,
    Texts,
    Variant,
)

SECRET_TEXT = "hunter2-of-the-test"
"""What every secret in a generated patch holds."""

# Texts of which every rule takes some: a strategy tries them, and keeps those that the rule at hand takes.
WORDS = [
    "x",
    "http",
    "web",
    "${project}-${application}",
    "a.b",
    "a.b/c",
    "A_1",
    "/etc/x",
    "/etc/y/z",
    "/healthz",
    "15s",
    "1h30m",
    "0",
    "2",
    "25%",
    "250m",
    "512Mi",
    "1",
    "80",
    "ddk/features",
    "or/local/ddk/features",
    "ghcr.io/or/churn",
    "localhost:5000/x",
    "latest",
    "sha256:" + "0" * 64,
    "IfNotPresent",
    "Always",
    "TCP",
    "UDP",
    "Exists",
    "Equal",
    "NoSchedule",
    "$${project} costs $5 ${HOME}",
    "two words",
    "ü",
    "0 3 * * *",
    "*/5 * * * mon-fri",
    "@daily",
    "Europe/Berlin",
    "churn.example.org",
    "*.example.org",
]


def texts(text: Text) -> st.SearchStrategy[str]:
    fitting = [word for word in WORDS if not list(text.faults(word))]
    assert fitting, f"add a word to WORDS that {text} takes"
    return st.sampled_from(fitting)


def values(kind: Kind) -> st.SearchStrategy[Json]:
    """What the kind accepts."""
    match kind:
        case Text():
            return texts(kind)
        case Integer(low=low, high=high):
            return st.integers(low, high)
        case Boolean():
            return st.booleans()
        case Choice(words=words):
            return st.sampled_from([word.value for word in words])
        case Texts(each=each):
            return st.lists(texts(each), max_size=2)
        case Record():
            return records(kind)
        case Pairs(name=rule, value=text):
            return st.dictionaries(
                st.sampled_from([word for word in WORDS if rule(word) is None]), texts(text), max_size=2
            )
        case Records(each=each):
            return st.lists(records(each), max_size=2)
        case Variant(options=options):
            return st.one_of(
                *(
                    st.just({"secret": SECRET_TEXT}) if option.name == "secret" else one_field(option)
                    for option in options
                )
            )
        case _:
            raise AssertionError(f"no strategy for {kind}")


def one_field(option: Field) -> st.SearchStrategy[Json]:
    return values(option.kind).map(lambda value: {option.name: value})


def records(record: Record) -> st.SearchStrategy[Json]:
    required = {field.name: values(field.kind) for field in record.fields if field.required}
    optional = {field.name: values(field.kind) for field in record.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional).filter(lambda value: not list(record.faults(value)))


def names(named: Named) -> st.SearchStrategy[str]:
    return st.sampled_from([word for word in WORDS if not list(named.name_faults(word))])


def entries(named: Named) -> st.SearchStrategy[dict[str, Json]]:
    """Named entries as a document has them: by name."""
    kind = named.entry.kind if isinstance(named.entry, Field) else named.entry
    return st.dictionaries(names(named), values(kind), max_size=3)


SHAPES = {
    setting.name: values(setting.kind)
    if isinstance(setting, Single)
    else st.fixed_dictionaries({}, optional={field.name: values(field.kind) for field in setting.fields})
    if isinstance(setting, Group)
    else entries(setting)
    for setting in SETTINGS
}

nested_documents: st.SearchStrategy[dict[str, Json]] = st.fixed_dictionaries({}, optional=SHAPES).map(
    lambda shape: {name: value for name, value in shape.items() if value != {}}
)
"""Documents as the API shows them, secrets with their texts."""


def flat(shape: Mapping[str, Json]) -> dict[str, Json]:
    """The nested shape by leaf keys: written here anew, so that `flattened` has something to be compared with."""
    document: dict[str, Json] = {}
    for name, value in shape.items():
        if isinstance(SETTINGS[name], Single):
            document[name] = value
        else:
            document |= {f"{name}.{part}": inner for part, inner in value.items()}
    return document


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents as a level stores them: what is set, what is taken away, groups and lists taken away whole, secrets as references."""
    document = flat(draw(nested_documents))
    for key, value in document.items():
        if isinstance(value, dict) and value.keys() == {"secret"}:
            document[key] = {"secret": draw(st.uuids().map(str))}
    taken = draw(st.lists(st.sampled_from([setting.name for setting in SETTINGS]), max_size=2))
    leaves = draw(st.lists(st.sampled_from(sorted(document) or ["replicas"]), max_size=2))
    wholes = {name: None for name in taken if not isinstance(SETTINGS[name], Single) or name not in document}
    return document | wholes | dict.fromkeys(leaves)


@st.composite
def patches(draw: st.DrawFn) -> dict[str, Json]:
    """Inputs of `configure` that only set: lists of named entries as lists."""
    shape = draw(nested_documents)
    for setting in SETTINGS:
        if isinstance(setting, Named) and setting.name in shape:
            shape[setting.name] = [
                {setting.key.name: name, **({"value": entry} if isinstance(setting.entry, Field) else entry)}
                for name, entry in shape[setting.name].items()
            ]
    return shape
