"""What metrics.k8s.io answers, decoded in portions, so that ten thousand pods do not hold up the loop."""

import asyncio
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

import msgspec

from nexus_gql import clock
from nexus_gql.clusters import Connection, ServerTrouble
from nexus_gql.hierarchy import read_quantity

from .objects import Amounts, Slim

_ROOT = "/apis/metrics.k8s.io/v1beta1"
_PORTION = 500


class MetricsMeta(Slim, frozen=True):
    """Which pod or node."""

    name: str
    namespace: str = ""


class ContainerMetrics(Slim, frozen=True):
    """What one container used."""

    name: str
    usage: Amounts = Amounts()


class PodMetrics(Slim, frozen=True):
    """What a pod's containers used, over the window that ends at the timestamp."""

    metadata: MetricsMeta
    timestamp: str = ""
    window: str = "0s"
    containers: list[ContainerMetrics] = msgspec.field(default_factory=list)


class NodeMetrics(Slim, frozen=True):
    """What a node used as a whole."""

    metadata: MetricsMeta
    timestamp: str = ""
    window: str = "0s"
    usage: Amounts = Amounts()


class _List(msgspec.Struct, frozen=True):
    items: list[msgspec.Raw] | None = None


_list = msgspec.json.Decoder(_List)
_pod = msgspec.json.Decoder(PodMetrics)
_node = msgspec.json.Decoder(NodeMetrics)


async def pod_metrics(connection: Connection) -> AsyncIterator[list[PodMetrics]]:
    """What all pods use, in portions with a turn of the loop after each."""
    async for portion in _portions(await connection.get(f"{_ROOT}/pods"), _pod):
        yield portion


async def node_metrics(connection: Connection) -> AsyncIterator[list[NodeMetrics]]:
    """What all nodes use, in the same way."""
    async for portion in _portions(await connection.get(f"{_ROOT}/nodes"), _node):
        yield portion


async def _portions(body: bytes, decoder: "msgspec.json.Decoder[Any]") -> AsyncIterator[list[Any]]:
    try:
        raw = _list.decode(body).items or []
        for start in range(0, len(raw), _PORTION):
            yield [decoder.decode(one) for one in raw[start : start + _PORTION]]
            await asyncio.sleep(0)
    except msgspec.DecodeError as error:
        raise ServerTrouble(f"What metrics.k8s.io answered cannot be read: {error}") from error


NANO = 10**9
"""So many are one core or one byte. Amounts are whole numbers until they have been added up: sums of floats show their error."""


@lru_cache(maxsize=4096)
def declared(text: str) -> int:
    """A request or limit in billionths of a core or byte: few different ones recur in thousands of pods."""
    return measured(text)


def measured(text: str) -> int:
    """An amount in billionths of a core or byte; 0 where it cannot be read."""
    amount = read_quantity(text)
    return 0 if amount is None else int(amount * NANO)


def seconds(window: str) -> float:
    """A window in seconds; 0 where it cannot be read."""
    try:
        return clock.parse_duration(window)
    except ValueError:
        return 0.0
