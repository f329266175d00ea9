"""Where applications answer."""

from enum import Enum

import strawberry

from nexus_gql.hierarchy import Application, Catalogue, Document, Namespace
from nexus_gql.workloads import addresses


@strawberry.enum(description="From where an address can be reached.")
class EndpointScope(Enum):
    CLUSTER = "CLUSTER"
    INGRESS = "INGRESS"


@strawberry.type(description="An address at which an application answers.")
class Endpoint:
    url: str = strawberry.field(
        description="`http://churn.or-local-models.svc:8080`; host and port alone where the port's name says no HTTP."
    )
    scope: EndpointScope = strawberry.field(description="From where it can be reached.")


def endpoints(catalogue: Catalogue, application: Application, deployed: Document) -> list[Endpoint]:
    """The addresses that what is deployed makes; what is only declared answers nowhere."""
    found = addresses(application.path, catalogue.above(Namespace, application.path).kubernetes_name, deployed)
    return [
        *(Endpoint(url=url, scope=EndpointScope.CLUSTER) for url in found.cluster),
        *(Endpoint(url=url, scope=EndpointScope.INGRESS) for url in found.ingress),
    ]
