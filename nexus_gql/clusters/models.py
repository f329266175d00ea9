"""Registered clusters."""

from tortoise import fields
from tortoise.models import Model


class Cluster(Model):
    """One cluster. `uid` is that of its kube-system namespace, by which it is known whatever its address."""

    id = fields.UUIDField(primary_key=True)
    name = fields.CharField(max_length=63, unique=True)
    kind = fields.CharField(max_length=16)
    uid = fields.CharField(max_length=64, unique=True)
    target: fields.Field[dict[str, object]] = fields.JSONField()
    credentials = fields.BinaryField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "cluster"
