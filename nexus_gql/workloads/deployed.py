"""What is deployed, as far as lists of applications ask: the settings of current revisions, and the addresses that they make."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tortoise.expressions import F

from nexus_gql.hierarchy import Document, exposed, service_name
from nexus_gql.paths import Path

from . import models
from .networking import ingress_urls, service_url


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where an application answers: inside its cluster, and from outside through ingress."""

    cluster: Sequence[str]
    ingress: Sequence[str]


async def deployed_settings(application_ids: Sequence[str]) -> dict[str, Document]:
    """The settings of each application's current revision, where it has one: one statement, which reads no manifest.

    Secrets are references in it, so that a new text of one differs from what is deployed.
    """
    rows = await models.Revision.filter(
        application_id__in=[UUID(one) for one in application_ids],
        application__revision__isnull=False,  # it also makes the join, which F alone does not
        number=F("application__revision"),
    ).values_list("application_id", "settings")
    return {
        str(application_id): {key: leaf["value"] for key, leaf in settings.items()} for application_id, settings in rows
    }


def addresses(path: Path, namespace: str, settings: Document) -> Addresses:
    """The addresses of an application that runs with some settings in a Kubernetes namespace.

    With `.svc`, by which who reads it sees that it is one of the cluster's own.
    """
    service = service_name(path)
    inside = [
        service_url(service, f"{namespace}.svc", port, spec["port"]) for port, spec in sorted(exposed(settings).items())
    ]
    return Addresses(inside, ingress_urls(settings))
