"""Roles, and the one table that says which mutation needs which."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Role(IntEnum):
    """What somebody may do at a level and below it; each role includes those before it."""

    NONE = 0
    VIEWER = 1
    DEPLOYER = 2
    ADMIN = 3


class At(StrEnum):
    """Where the role of a mutation is needed."""

    PATH = "path"
    "at the level that the mutation names"
    PARENT = "parent"
    "at the level above the one that it makes or deletes; everywhere for a project"
    EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Need:
    """The role that a mutation needs, and where."""

    role: Role
    at: At


# Fields of updateLevel that decide where and under what protection a level runs (stage, cluster, protection) need ADMIN there;
# a Kubernetes name other than the default needs it everywhere: `hierarchy` asks for these as it meets them.
MUTATIONS: dict[str, Need] = {
    "createProject": Need(Role.ADMIN, At.EVERYWHERE),
    "createEnvironment": Need(Role.ADMIN, At.PATH),
    # Its path is the environment that is copied; the copy is made in the project.
    "cloneEnvironment": Need(Role.ADMIN, At.PARENT),
    "createNamespace": Need(Role.DEPLOYER, At.PATH),
    "createApplication": Need(Role.DEPLOYER, At.PATH),
    "updateLevel": Need(Role.DEPLOYER, At.PATH),
    "deleteLevel": Need(Role.DEPLOYER, At.PARENT),
    "configure": Need(Role.DEPLOYER, At.PATH),
    "deploy": Need(Role.DEPLOYER, At.PATH),
    "scale": Need(Role.DEPLOYER, At.PATH),
    "restart": Need(Role.DEPLOYER, At.PATH),
    "remove": Need(Role.DEPLOYER, At.PATH),
    "run": Need(Role.DEPLOYER, At.PATH),
    "cancelOperation": Need(Role.DEPLOYER, At.PATH),
    "declareWorkflow": Need(Role.DEPLOYER, At.PATH),
    "removeWorkflow": Need(Role.DEPLOYER, At.PATH),
    "registerCluster": Need(Role.ADMIN, At.EVERYWHERE),
    "updateCluster": Need(Role.ADMIN, At.EVERYWHERE),
    "removeCluster": Need(Role.ADMIN, At.EVERYWHERE),
    "grant": Need(Role.ADMIN, At.PATH),
    # A token acts as the person who made it and has no more than they have, so making one gives nothing away.
    "createToken": Need(Role.VIEWER, At.PATH),
    "revokeToken": Need(Role.VIEWER, At.PATH),
}
