"""Where the sandbox differs from a real cluster in what the contract's tests look at, and why it may."""

from typing import NamedTuple


class Difference(NamedTuple):
    """`observation` and `field` are regular expressions for the whole of what they name."""

    observation: str
    field: str
    reason: str


DIFFERENCES = [
    Difference(
        "a service should lead to the pods that are ready: a ready pod",
        r"\.items\[0\]\.metadata\.annotations\.endpoints\.kubernetes\.io/last-change-trigger-time",
        "The sandbox does not say when the change was that a slice follows; only Kubernetes' own measurements read it.",
    ),
    Difference(
        "a token that is none should be refused: nonsense",
        r"\.message",
        "The real message ends in what Go's JSON decoder says of the token's bytes.",
    ),
    Difference(
        "a selector that is none should be refused: labelSelector",
        r"\.message",
        "The sandbox names the whole requirement, Go's parser the token at which it stopped.",
    ),
]
