"""Settings made at random from their declaration, mostly fitting and often at an edge, with now and then a wrong one."""

from typing import Any

from hypothesis import strategies as st

from nexus_gql.hierarchy import (
    SETTINGS,
    Boolean,
    Choice,
    Field,
    Group,
    Integer,
    Json,
    Kind,
    Named,
    Pairs,
    Record,
    Records,
    Single,
    Text,
    Texts,
    Variant,
)

# Texts that one rule or another takes, at its edge or just beyond it. A rule's own strategy is made of those that it takes.
WORDS = [
    *("", " ", "x", "X", "a" * 63, "a" * 64, "a" * 253, "a" * 254, "a-", "-a", "a.b", "a..b", "a_b", "1a", "A_1", "42"),
    *(
        "a.b.c-d",
        "ü",
        "😀",
        "two words",
        " before",
        "after ",
        "\t",
        "a\nb",
        "\x01",
        "\x7f",
        "\u2028",
        "null",
        "a: b #c",
    ),
    *("http", "http-metrics", "abcdefghijklmno", "abcdefghijklmnop", "a--b", "grpc", "dns", "default"),
    *("example.org/x", "example.org/", "/x", "a/b/c", "kubernetes.io/os", "app.kubernetes.io/name", "Example.org/x"),
    *("nexus.optimal-reality.io/application", "kubernetes.io/ingress.class", "a" * 60 + ".io/x", "a" * 70 + ".io/x"),
    *("nvidia.com/gpu", "node.kubernetes.io/not-ready", "node-role.kubernetes.io/control-plane"),
    *("${project}", "${application}", "${project}-${application}", "$${project} $(X) $$", "$(HOSTNAME)", "${unknown}"),
    *("0", "00", "1", "+1", "-1", "007", "80", "65535", "65536", "00080", "1.", ".5", "0.5", "1.5Gi", "0.1m", "1m"),
    *("100m", "250m", "1e3", "1E6", "1e-3", "1n", "1u", "0.0001", "1Ki", "512Mi", "8192Pi", "7Ei", "9Ei", "1e30"),
    *("9223372036854775807", "9223372036854775808", "1k", "1K", "1 Gi", "12345678901234567890m", "0.5Gi", "1e18"),
    *("0%", "1%", "25%", "100%", "101%", "050%", "25 %", "2147483647", "2147483648", "9" * 30),
    *("0s", "1s", "15s", "500ms", "1h30m", "90m", "-1s", "2147483647s", "2147483648s", "1.5s", "24h", "soon"),
    *("/", "//", "/a", "/a/", "/a//b", "/a/../b", "/a/./b", "/a:b", "/ä", "/a b", "/%zz", "/%2f", "/a?b=c", "/a#b"),
    *("/etc/x", "/etc/x/y", "/data", "/healthz", "/proc", "/dev/shm", "/" + "a" * 300, "/" + "/a" * 1500, "/a\\b"),
    *("* * * * *", "0 3 * * *", "60 * * * *", "@daily", "@every 1h", "@every 1h30m", "@every 0s", "@every 1.5h"),
    *("*/0 * * * *", "1-5/2 * * * *", "0 0 31 2 *", "TZ=UTC * * * * *", "5-1 * * * *", "? ? ? ? ?", "*/100 * * * *"),
    *("0 0 * * 7", "0 0 * jan-dec sun", "0 0 * JAN SUN,mon", "@reboot", "0\t3 * * *", "0 3 * *", "0 3 * * * *"),
    *("1, * * * *", "*-5 * * * *", "5/10 * * * *", "59 23 31 12 6", "0 3 * * mon-fri", "@every 9999999h"),
    *("Europe/Berlin", "UTC", "Local", "local", "EST", "Etc/GMT+5", "GMT0", "Asia/Calcutta", "US/Pacific", "Zulu"),
    *("churn.example.org", "*.example.org", "*.org", "*", "a.*.org", "Churn.example.org", "1.2.3.4", "example.org."),
    *("a" * 64 + ".org", "a" * 63 + ".org", "-a.example.org", "xn--mnchen-3ya.de", "a_b.example.org", "*.*.org"),
    *("ghcr.io/or/churn", "localhost:5000/x", "or/churn", "OR/churn", "a//b", "a:1", "a@b", "ghcr.io:443/or/churn__x"),
    *("latest", "v1.2.3-rc.1_x", "_x", ".x", "sha256:" + "0" * 64, "sha256:" + "A" * 64, "sha512:" + "0" * 128),
    *("IfNotPresent", "Always", "Never", "never", "TCP", "UDP", "SCTP", "tcp", "Exists", "Equal", "In"),
    *("NoSchedule", "PreferNoSchedule", "NoExecute", "features", "ddk/features", "or/local/ddk/features", "a/b/c/d/e"),
    *("A", "LOG_LEVEL", "1A", "a.b-c", "..A", "...", ".", "-", "A=B", "A B", "config.yaml", ".hidden", "..data"),
    *("x" * 5000),
]

WRONG = 1 / 25
"""How often a value is any word at all, or a number just out of bounds."""


def one_in(share: float) -> st.SearchStrategy[bool]:
    return st.integers(1, 1000).map(lambda number: number > 1000 * (1 - share))


@st.composite
def mostly(draw: st.DrawFn, fitting: st.SearchStrategy[Json], wrong: st.SearchStrategy[Json]) -> Json:
    return draw(wrong) if draw(one_in(WRONG)) else draw(fitting)


def words(text: Text) -> st.SearchStrategy[Json]:
    fitting = [word for word in WORDS if not list(text.faults(word))]
    assert fitting, f"add a word to WORDS that {text} takes"
    return mostly(one_of(fitting), one_of(WORDS))


def one_of(choices: list[str]) -> st.SearchStrategy[Json]:
    """`sampled_from`, by number: hypothesis would write out all the words wherever it names a strategy."""
    return st.integers(0, len(choices) - 1).map(lambda number: choices[number])


def values(kind: Kind) -> st.SearchStrategy[Json]:
    """What the kind takes, and now and then what it does not."""
    match kind:
        case Text():
            return words(kind)
        case Integer(low=low, high=high):
            edges = st.sampled_from([low, low + 1, high])
            return mostly(edges | st.integers(low, min(high, low + 20)), st.sampled_from([low - 1, high + 1]))
        case Boolean():
            return st.booleans()
        case Choice(words=choices):
            return st.sampled_from([word.value for word in choices])
        case Texts(each=each):
            return st.lists(words(each), max_size=3)
        case Record():
            return mostly(records(kind).filter(lambda one: not list(kind.faults(one))), records(kind))
        case Pairs(name=rule, value=text):
            named = st.fixed_dictionaries({"name": words(Text(rule)), "value": words(text)})
            return st.lists(named, max_size=2)
        case Records(each=each):
            return st.lists(values(each), max_size=3)
        case Variant(options=options):
            return st.one_of(*(one_field(option) for option in options if option.name != "service"))
        case _:
            raise AssertionError(f"no strategy for {kind}")


def one_field(option: Field) -> st.SearchStrategy[Json]:
    return values(option.kind).map(lambda value: {option.name: value})


def records(record: Record) -> st.SearchStrategy[Json]:
    required = {field.name: values(field.kind) for field in record.fields if field.required}
    optional = {field.name: values(field.kind) for field in record.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional)


def entries(named: Named) -> st.SearchStrategy[list[Json]]:
    """Named entries as a patch has them."""
    name = words(Text(lambda text: next((fault.message for fault in named.name_faults(text)), None)))
    inner = {"value": values(named.entry.kind)} if isinstance(named.entry, Field) else None
    body = st.fixed_dictionaries(inner) if inner is not None else values(named.entry)  # type: ignore[arg-type]
    one = st.tuples(name, body).map(lambda pair: {named.key.name: pair[0], **pair[1]})
    # References to other applications would need those; they have tests of their own.
    return (
        st.nothing()
        if named.name == "dependsOn"
        else st.lists(one, max_size=4, unique_by=lambda one: one[named.key.name])
    )


def shape(setting: Single | Group | Named) -> st.SearchStrategy[Json]:
    match setting:
        case Single(kind=kind):
            return values(kind)
        case Group(fields=fields):
            return st.fixed_dictionaries({}, optional={field.name: values(field.kind) for field in fields})
        case Named():
            return entries(setting)


_SHAPES = {setting.name: shape(setting) for setting in SETTINGS if setting.name != "dependsOn"}


@st.composite
def patches(draw: st.DrawFn) -> dict[str, Any]:
    """Inputs of `configure` for one application, which always say what kind of workload it is."""
    return {name: draw(one) for name, one in _SHAPES.items() if name == "workload" or draw(st.booleans())}


NAMES = ["x", "churn", "1", "a" * 63, "models-" + "x" * 45, "a-" * 26 + "b"]
"""Names of applications: short, and as long as they may be."""
