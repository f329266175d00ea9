"""Secrets at rest."""

from tortoise import fields
from tortoise.models import Model


class Secret(Model):
    """The newest version of one secret setting of one level. A new text is a new row with a new id, and the old row goes."""

    id = fields.UUIDField(primary_key=True)
    level: fields.ForeignKeyRelation[Model] = fields.ForeignKeyField(
        "nexus.Level", related_name="secrets", on_delete=fields.CASCADE
    )
    key = fields.CharField(max_length=512)
    ciphertext = fields.BinaryField()
    set_at = fields.DatetimeField()
    set_by = fields.CharField(max_length=255)

    class Meta:
        table = "secret"
        unique_together = (("level", "key"),)
