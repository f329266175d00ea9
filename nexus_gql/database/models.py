"""What an installation is, and the counter that orders the changes of its hierarchy."""

from tortoise import fields
from tortoise.models import Model


class Installation(Model):
    """One row. Its id marks every object that this installation makes on a cluster."""

    id = fields.UUIDField(primary_key=True)
    # Raised by the first statement of whatever changes the hierarchy, so the row's lock puts those transactions in a line and
    # the numbers in the order of the commits: a reader that has seen 7 has seen all that 7 can depend on.
    changes = fields.BigIntField(default=0)
    # A known text under the vault's key: tells a wrong key at the start instead of at the first secret.
    vault_check = fields.BinaryField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "installation"
