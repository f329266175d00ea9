"""The levels of the hierarchy as rows: one table for the four, since what they share is nearly all they have."""

from tortoise import fields
from tortoise.models import Model


class Level(Model):
    """One level. Which of the columns below the line are used follows from the path's depth."""

    id = fields.UUIDField(primary_key=True)
    path = fields.CharField(max_length=255, unique=True)
    display_name = fields.CharField(max_length=255)
    description = fields.TextField(null=True)
    document: fields.Field[dict[str, object]] = fields.JSONField(default=dict)
    version = fields.IntField(default=1)
    # The number of the change that wrote the row last: readers fetch what is newer than what they have.
    change = fields.BigIntField(db_index=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()
    # ── environments ──
    stage = fields.CharField(max_length=16, null=True)
    # ── environments, and copied to their namespaces so that the database itself keeps two from sharing a Kubernetes namespace ──
    cluster: fields.ForeignKeyNullableRelation[Model] = fields.ForeignKeyField(
        "nexus.Cluster", related_name="levels", null=True, on_delete=fields.RESTRICT
    )
    # ── namespaces ──
    concern = fields.CharField(max_length=16, null=True)
    kubernetes_name = fields.CharField(max_length=63, null=True)
    # ── applications ──
    kind = fields.CharField(max_length=16, null=True)
    # Set when a deployment is asked for, cleared when a removal has ended: in between something of it may be on the cluster.
    deployed = fields.BooleanField(default=False)
    operation_number = fields.BigIntField(default=0)
    revision = fields.IntField(null=True)
    restarted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "level"
        unique_together = (("cluster", "kubernetes_name"),)
