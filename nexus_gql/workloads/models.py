"""Operations and the revisions that they made."""

from tortoise import fields
from tortoise.models import Model


class Operation(Model):
    """One operation. Whoever holds `lease` works on it, and every write of theirs names it."""

    id = fields.UUIDField(primary_key=True)
    # Null for what is done to a whole level, and once the application is not declared any more: operations stay readable.
    application: fields.ForeignKeyNullableRelation[Model] = fields.ForeignKeyField(
        "nexus.Level", related_name="operations", null=True, on_delete=fields.SET_NULL
    )
    path = fields.CharField(max_length=255, db_index=True)
    kind = fields.CharField(max_length=16)
    status = fields.CharField(max_length=20, db_index=True)
    # Counts up for each application; stands on the objects that the operation writes.
    number = fields.BigIntField()
    requested_by = fields.CharField(max_length=255)
    reason = fields.TextField(null=True)
    request_id = fields.CharField(max_length=255, null=True)
    # What was asked for besides kind and path: replicas, takeOver. A repeated request must be equal to it.
    request: fields.Field[dict[str, object]] = fields.JSONField(default=dict)
    steps: fields.Field[list[dict[str, object]]] = fields.JSONField(default=list)
    message = fields.TextField(default="")
    failure: fields.Field[dict[str, object] | None] = fields.JSONField(null=True)
    revision = fields.IntField(null=True)
    # What steps hand to later ones, such as the generation that was applied.
    notes: fields.Field[dict[str, object]] = fields.JSONField(default=dict)
    # Set from outside to end a running one at its next step: SUPERSEDED or CANCELLED.
    ending = fields.CharField(max_length=20, null=True)
    lease = fields.UUIDField(null=True)
    lease_until = fields.FloatField(null=True)
    created_at = fields.DatetimeField()
    started_at = fields.DatetimeField(null=True)
    finished_at = fields.DatetimeField(null=True)
    # The larger operation that this is part of; `held` until that one says that its turn has come.
    parent_id = fields.UUIDField(null=True)
    held = fields.BooleanField(default=False, db_default=False)

    class Meta:
        table = "operation"
        indexes = (("application_id", "number"), ("requested_by", "request_id"), ("parent_id",))


class Revision(Model):
    """What one operation applied, frozen: settings with their origins, and manifests without secrets' texts."""

    id = fields.UUIDField(primary_key=True)
    application: fields.ForeignKeyRelation[Model] = fields.ForeignKeyField(
        "nexus.Level", related_name="revisions", on_delete=fields.CASCADE
    )
    number = fields.IntField()
    operation_id = fields.UUIDField()
    image = fields.CharField(max_length=512)
    image_digest = fields.CharField(max_length=160, null=True)
    settings: fields.Field[dict[str, object]] = fields.JSONField()
    manifests: fields.Field[list[dict[str, object]]] = fields.JSONField()
    deployed_by = fields.CharField(max_length=255)
    deployed_at = fields.DatetimeField()
    reason = fields.TextField(null=True)
    outcome = fields.CharField(max_length=20)

    class Meta:
        table = "revision"
        unique_together = (("application", "number"),)
