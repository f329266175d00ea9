"""Words for what recurs: values of enums, arguments and fields that mean the same wherever they stand.

What a resolver or type says of itself comes first; these fill in where it says nothing.
"""

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema

VALUES: dict[str, dict[str, str]] = {
    "ApplicationKind": {
        "MODEL": "A model that workflows call (MDK).",
        "DATA_SERVER": "A server of data (DDK).",
        "FRONTEND": "A web application (FDK); listens on port 80 unless told otherwise.",
        "AGENT": "An agent.",
        "SERVICE": "Anything else.",
    },
    "ChangeAction": {
        "ADD": "It was not there.",
        "CHANGE": "It was something else.",
        "REMOVE": "It is not there any more.",
        "REPLACE": "It was something else, and can only be changed by making the object anew.",
    },
    "ClusterKind": {
        "KIND": "A KinD cluster of the Docker engine; its credentials are read out of the node's container.",
        "KUBECONFIG": "A cluster as a kubeconfig describes it.",
        "IN_CLUSTER": "The cluster that Nexus itself runs in, reached by its pod's service account.",
        "SANDBOX": "A simulated cluster that belongs to this installation of Nexus: no container runs in it.",
    },
    "Concern": {
        "MDK": "Models.",
        "DDK": "Data servers.",
        "FDK": "Web applications.",
        "AGENTS": "Agents.",
        "INFRASTRUCTURE": "What the others stand on: databases, queues, gateways.",
        "OTHER": "Anything else.",
    },
    "ConnectionStatus": {
        "CONNECTED": "It answers.",
        "CONNECTING": "It is being asked for the first time.",
        "UNREACHABLE": "It does not answer; it is tried again.",
        "UNAUTHORIZED": "It answers and does not accept our credentials, or another cluster answers there.",
    },
    "ContainerState": {
        "WAITING": "It does not run yet, or not now; the reason says why.",
        "RUNNING": "It runs.",
        "TERMINATED": "It has ended.",
    },
    "Direction": {
        "DEPENDENCIES": "What it needs, and what that needs.",
        "DEPENDENTS": "What needs it, and what needs that.",
        "BOTH": "Either way.",
    },
    "EdgeSourceKind": {
        "DECLARED": "`dependsOn` says so.",
        "REFERENCE": "A variable's value is the other application's address.",
        "ENVIRONMENT": "A variable, a command or a file of what runs holds its address.",
        "INGRESS": "An Ingress leads there.",
        "WORKFLOW": "A workflow requires it.",
    },
    "EndpointScope": {
        "CLUSTER": "From inside the cluster.",
        "INGRESS": "From outside, through the cluster's ingress controller.",
    },
    "EventType": {"NORMAL": "It went as it should.", "WARNING": "Something went wrong, at least for now."},
    "GapReason": {
        "SLOW_READER": "They came faster than they were read.",
        "ROTATED": "The node has thrown them away already.",
        "SOURCE_LOST": "The source cannot be reached.",
        "CURSOR_EXPIRED": "The cursor is too old.",
        "RATE_LIMIT": "They came faster than may be sent.",
        "LIMIT": "There are more sources than may be followed at once.",
    },
    "Health": {
        "HEALTHY": "All is as declared.",
        "SUSPENDED": "Nothing runs, as asked.",
        "PROGRESSING": "It is on its way, and nothing is wrong so far.",
        "MISSING": "It is not on the cluster.",
        "DEGRADED": "Something is wrong; the message says what.",
        "UNKNOWN": "It cannot be seen now.",
    },
    "CronConcurrency": {
        "ALLOW": "Both run.",
        "FORBID": "It is left out.",
        "REPLACE": "The one before is ended.",
    },
    "Need": {
        "REQUIRED": "It cannot work without.",
        "OPTIONAL": "It works worse without.",
        "IGNORED": "It does not need it, whatever was found.",
    },
    "ObservedKind": {
        "DEPLOYMENT": "Pods that are all alike.",
        "STATEFUL_SET": "Pods with names and volumes of their own.",
        "DAEMON_SET": "One pod on each node.",
        "JOB": "Runs to its end.",
        "CRON_JOB": "Makes jobs by a schedule.",
        "REPLICA_SET": "Pods of one version, with no Deployment above.",
        "POD": "A pod that nothing made.",
        "OTHER": "Something of a kind that Kubernetes itself does not have, seen by the pods that it makes.",
    },
    "OperationKind": {
        "DEPLOY": "Make it run as it is declared.",
        "SCALE": "Change the number of pods, and nothing else.",
        "RESTART": "Start the pods anew, and change nothing else.",
        "REMOVE": "Take it off the cluster.",
        "DELETE": "Take everything below a level off its clusters, then delete the level.",
        "RUN": "Run a job, or a cron job, once more.",
    },
    "OperationStatus": {
        "PENDING": "It waits for its turn.",
        "APPLYING": "Objects are checked and written.",
        "ROLLING_OUT": "The pods are on their way.",
        "SUCCEEDED": "It has done what was asked.",
        "FAILED": "It has not; `failure` says why.",
        "CANCELLED": "Somebody ended it; what it had applied stays.",
        "SUPERSEDED": "A newer operation took its place; what it had applied stays.",
    },
    "OriginKind": {
        "DEFAULT": "Nexus itself; no level says anything.",
        "PROJECT": "The project.",
        "ENVIRONMENT": "The environment.",
        "NAMESPACE": "The namespace.",
        "APPLICATION": "The application.",
    },
    "ProblemCode": {
        "INVALID": "The input is not what is expected; `path` says where.",
        "NOT_FOUND": "It is not there, or you may not see it.",
        "ALREADY_EXISTS": "There is one already.",
        "CONFLICT": "Somebody else changed it, or owns it.",
        "FORBIDDEN": "You may see it and not change it.",
        "IN_USE": "Something still stands on it.",
        "LIMIT": "It is more than is allowed.",
        "UNREACHABLE": "Another machine does not answer now; try again.",
        "UNSUPPORTED": "This cannot be done.",
        "MISSING_SECRET": "A Secret that must be on the cluster, or a key of it, is not there.",
        "MISSING_REFERENCE": "An application that is referred to does not exist.",
    },
    "Impairment": {
        "NONE": "Nothing.",
        "AT_RISK": "Something that it requires is weak, or something that it can do without does not work.",
        "IMPAIRED": "Something that it requires does not work.",
    },
    "TopologyNodeKind": {
        "APPLICATION": "A declared application.",
        "WORKLOAD": "Something that runs, or is called, and nobody declared.",
        "WORKFLOW": "A consumer that Nexus does not deploy.",
        "INGRESS": "A host at which the cluster is reached from outside.",
        "EXTERNAL": "An address outside the clusters.",
        "HIDDEN": "What you may not see.",
    },
    "Role": {
        "NONE": "Nothing.",
        "VIEWER": "See.",
        "DEPLOYER": "Configure and deploy, too.",
        "ADMIN": "Everything: stage, cluster and grants, too.",
    },
    "RolloutStrategy": {
        "ROLLING": "New pods take the place of old ones bit by bit.",
        "RECREATE": "All old pods end before the first new one starts.",
    },
    "Stage": {
        "LOCAL": "On somebody's own machine.",
        "DEVELOPMENT": "To build on.",
        "STAGING": "To try before production.",
        "PRODUCTION": "What people rely on.",
    },
    "StepStatus": {
        "PENDING": "It is still to come.",
        "RUNNING": "It is under way.",
        "SUCCEEDED": "It is done.",
        "FAILED": "It did not work.",
        "SKIPPED": "It was not needed, or not reached.",
    },
    "UpdateKind": {
        "SNAPSHOT": "Everything as of now; forget what you had.",
        "CHANGES": "What became different.",
        "STALE": "A source was lost; what was sent still stands.",
    },
    "WorkloadKind": {
        "DEPLOYMENT": "Pods that are all alike.",
        "STATEFUL_SET": "Pods with names and volumes of their own.",
        "DAEMON_SET": "One pod on each node.",
        "JOB": "Runs to its end, once for each deployment.",
        "CRON_JOB": "Runs by a schedule.",
    },
}

ARGUMENTS = {
    "first": "How many at most, up to 1,000.",
    "after": "A cursor: go on after it.",
    "filter": "Only those that fit.",
    "scope": "A level: it and everything below.",
    "path": "The level's address: `or/local/models/churn`.",
    "name": "Its name.",
    "id": "Its id.",
    "ids": "Their ids.",
    "text": "What to look for, in upper or lower case.",
    "cluster": "The name of a registered cluster.",
    "key": "A leaf's key: `image.tag`, `env.LOG_LEVEL`.",
    "input": "What it shall be.",
    "patch": "What becomes different.",
    "environment": "The environment's address: `or/local`.",
    "displayName": "How people call it; without it the name.",
    "requires": "Paths of the applications that it needs.",
    "url": "Where people look at it: http or https.",
    "remove": "Take the workloads below it off their clusters first, through an operation.",
    "options": "What may be said with any operation.",
    "expectedVersion": "The version that you have seen; CONFLICT where it has changed since.",
    "dryRun": "Say what would change, and change nothing.",
    "replicas": "How many pods.",
    "deleteVolumes": "Delete its volumes, too, and what is on them.",
    "status": "Only in one of these states.",
    "types": "Only of these types.",
    "tail": "The last lines only; null: all that are there.",
    "since": "Nothing older than this.",
    "previous": "Of the container before its last restart.",
    "grep": "Only lines that match, in RE2 syntax.",
    "subject": "Who: the name that a viewer has.",
    "role": "What they may do.",
    "window": "A span of time that ends now.",
    "every": "How far apart at least: 15 s or more, since that is how often usage is measured.",
    "expiresIn": "How long it lasts; without it for ever.",
}

FIELDS = {
    "edges": "The items with their cursors.",
    "nodes": "The items.",
    "node": "The item.",
    "pageInfo": "Whether there is more.",
    "cursor": "Its place in the list: hand it back as `after`.",
    "at": "When it was measured.",
    "usage": "What it uses.",
    "createdAt": "When it was made.",
    "updatedAt": "When it was changed last.",
    "startedAt": "When it began.",
    "finishedAt": "When it ended.",
    "description": "What it is, in its team's words.",
    "cluster": "The cluster that it is on.",
    "kind": "What kind it is.",
    "position": "Where the frame stands in its feed.",
    "name": "Its name.",
    "status": "How it is doing.",
    "reason": "Why.",
    "connection": "How its connection is doing.",
    "role": "The role.",
}


def describe(schema: GraphQLSchema) -> None:
    """Fill in what says nothing of itself."""
    for named in schema.type_map.values():
        if named.name.startswith("__"):
            continue
        if isinstance(named, GraphQLEnumType):
            for name, value in named.values.items():
                value.description = value.description or VALUES.get(named.name, {}).get(name)
        elif isinstance(named, GraphQLInputObjectType):
            for name, given in named.fields.items():
                given.description = given.description or FIELDS.get(name) or ARGUMENTS.get(name)
        elif isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in named.fields.items():
                field.description = field.description or FIELDS.get(name)
                for called, argument in field.args.items():
                    argument.description = argument.description or ARGUMENTS.get(called)
