"""From what is declared to what can be rendered: addresses of other applications looked up, and all that stands in the way found."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from nexus_gql.hierarchy import (
    SETTINGS,
    Application,
    Catalogue,
    Environment,
    Namespace,
    Need,
    exposed,
    governing_service,
    inconsistencies,
    missing,
    references,
    service_name,
    service_names,
)
from nexus_gql.paths import Path, child
from nexus_gql.problems import Problem, ProblemCode

from .claims import candidates, declared
from .networking import chosen_port, ingress_urls, service_url
from .rendering import Rendering
from .taken_names import REMEDY


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an application cannot be deployed as it is declared, and the leaf that says so, if it is one.

    `holder`: the application that has what this one would have. The problem does not name it, since not everybody may see it.
    """

    key: str | None
    problem: Problem
    holder: Path | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an application runs: a registered cluster and a Kubernetes namespace on it."""

    cluster_id: str
    namespace: str


def place_of(catalogue: Catalogue, path: Path) -> Place | None:
    """Where an application runs; None while its environment has no cluster."""
    cluster_id = catalogue.above(Environment, path).cluster_id
    return None if cluster_id is None else Place(cluster_id, catalogue.above(Namespace, path).kubernetes_name)


def obstacles(catalogue: Catalogue, application: Application, out_of_sight: Collection[str] = ()) -> list[Obstacle]:
    """All that keeps an application from being deployed, as far as it can be told without its cluster.

    `out_of_sight`: leaves whose reference counts as leading nowhere, since whoever sets it may not see where it leads.
    """
    settings = catalogue.effective(application.path)
    wrong = [*missing(settings.document), *inconsistencies(settings.document, SETTINGS)]
    found = [
        Obstacle(key, Problem(ProblemCode.INVALID, f"{key}: {fault.message}", fault.path, fault.remedy))
        for key, fault, *_ in wrong
    ]
    if place_of(catalogue, application.path) is None:
        environment = catalogue.above(Environment, application.path).path
        message = f"The environment `{environment}` has no cluster, so there is nowhere to deploy to."
        remedy = "Give it one: registerCluster, then updateLevel with its name."
        found.append(Obstacle(None, Problem(ProblemCode.INVALID, message, remedy=remedy)))
    found += [one for one in _addresses(catalogue, application, out_of_sight) if isinstance(one, Obstacle)]
    found += _taken_services(catalogue, application)
    found += _taken_claims(catalogue, application)
    return found


def _taken_services(catalogue: Catalogue, application: Application) -> Iterator[Obstacle]:
    """Services that a deployed neighbour has already: the one for a StatefulSet's pods, `<name>-pods`, may be named as another's.

    An application that is deployed is not held up by what a neighbour has only been told to become: its cluster shows what is
    there, and `apply` refuses what another application has.
    """
    mine = service_names(application.path, catalogue.effective(application.path).document)
    pods = governing_service(application.path)
    for other in catalogue.applications(catalogue.above(Namespace, application.path).path):
        theirs = {service_name(other.path)} | (set() if application.deployed else {governing_service(other.path)})
        if other.path == application.path or not other.deployed or not mine & theirs:
            continue
        for name in mine & theirs & service_names(other.path, catalogue.effective(other.path).document):
            yield _taken("workload" if name == pods else None, f"Service `{name}`", other)


def _taken_claims(catalogue: Catalogue, application: Application) -> Iterator[Obstacle]:
    """Claims of volumes that a deployed neighbour has already; looked for by the names that such a neighbour could have.

    As with Services, for one that is deployed it is the cluster that counts (`claims.refuse_taken`). There is also found what this
    does not look for: a neighbour whose own name is too long for a StatefulSet's, which is then another.
    """
    if application.deployed:
        return
    namespace = catalogue.above(Namespace, application.path).path
    for volume, mine in declared(application.path, catalogue.effective(application.path).document).items():
        for called in sorted(candidates(mine)):
            other = catalogue.get(Application, child(namespace, called))
            if other is None or not other.deployed or other.path == application.path:
                continue
            for theirs in declared(other.path, catalogue.effective(other.path).document).values():
                if (name := mine.shared_with(theirs)) is not None:
                    yield _taken(f"volumes.{volume}", f"PersistentVolumeClaim `{name}`", other)


def _taken(key: str | None, what: str, other: Application) -> Obstacle:
    message = f"It would have the {what}, which belongs to another application."
    return Obstacle(key, Problem(ProblemCode.CONFLICT, message, remedy=REMEDY), other.path)


def rendering(
    catalogue: Catalogue,
    application: Application,
    installation_id: str,
    secrets_fingerprint: str | None,
    revision: int,
) -> Rendering:
    """What the manifests of an application without obstacles are made from, as one of its revisions."""
    addresses = _addresses(catalogue, application)
    return Rendering(
        path=application.path,
        application_id=application.id,
        installation_id=installation_id,
        namespace=catalogue.above(Namespace, application.path).kubernetes_name,
        settings=catalogue.effective(application.path).document,
        urls=dict(address for address in addresses if not isinstance(address, Obstacle)),
        secrets_fingerprint=secrets_fingerprint,
        revision=revision,
    )


def _addresses(
    catalogue: Catalogue, application: Application, out_of_sight: Collection[str] = ()
) -> Iterator[tuple[str, str] | Obstacle]:
    """The address that each service-valued variable stands for; an obstacle for each reference that leads nowhere and must not."""
    document = catalogue.effective(application.path).document
    for key, ref, target in references(document, application.path):
        variable = key.removeprefix("env.")
        other = None if key in out_of_sight else catalogue.get(Application, target)
        if key.startswith("dependsOn."):
            if other is None and document[key]["need"] == Need.REQUIRED:
                message = f"It depends on the application `{ref}`, which does not exist."
                yield Obstacle(key, Problem(ProblemCode.MISSING_REFERENCE, message, remedy="Create it, or correct it."))
        elif other is None:
            message = f"{key} refers to the application `{ref}`, which does not exist."
            remedy = "Create it, or correct the reference."
            yield Obstacle(key, Problem(ProblemCode.MISSING_REFERENCE, message, remedy=remedy))
        else:
            wanted = document[key]["service"].get("port")
            yield _address(catalogue, application, other, key, variable, wanted)


def _address(
    catalogue: Catalogue, application: Application, other: Application, key: str, variable: str, wanted: str | None
) -> tuple[str, str] | Obstacle:
    url = service_address(catalogue, other, wanted)
    there, here = (catalogue.above(Environment, level.path).cluster_id for level in (other, application))
    if there != here:
        outside = ingress_urls(catalogue.effective(other.path).document)
        if outside:
            return variable, outside[0]
        message = f"{key} refers to `{other.path}`, which is on another cluster and has no ingress rule with a host."
        remedy = f"Give `{other.path}` an ingress rule, or refer to an application on the same cluster."
        return Obstacle(key, Problem(ProblemCode.INVALID, message, remedy=remedy))
    if url is None:
        # Which ports it has is not said: whoever reads this, or the failure that it becomes, may not see that application.
        message = f"{key} refers to a port of `{other.path}` that its Service does not offer."
        remedy = "Name one of the ports that it declares and exposes."
        return Obstacle(key, Problem(ProblemCode.INVALID, message, ("value", "service", "port"), remedy))
    return variable, url


def service_address(catalogue: Catalogue, other: Application, wanted: str | None) -> str | None:
    """The address of an application's port inside its cluster: of the named or numbered one, else of its first."""
    document = catalogue.effective(other.path).document
    ports = exposed(document)
    port = wanted or chosen_port(document)
    if port is not None and port.isdigit():
        port = next((known for known, spec in ports.items() if spec["port"] == int(port)), None)
    if port is None or port not in ports:
        return None
    namespace = catalogue.above(Namespace, other.path).kubernetes_name
    return service_url(service_name(other.path), namespace, port, ports[port]["port"])
