"""Operations on whole levels and their parts, and operations that can be read after their application is gone.

SQLite alters a column only by making its table anew. No row refers to an operation, so none is taken along; the table's own
text and those of its indexes are taken from the database, so that nothing else changes.
"""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State

_CASCADE = '"application_id" CHAR(36) NOT NULL REFERENCES "level" ("id") ON DELETE CASCADE'
_SET_NULL = '"application_id" CHAR(36) REFERENCES "level" ("id") ON DELETE SET NULL'


class Outlive(ops.AlterField):
    """Takes from operations that they must have an application, and go with it."""

    async def database_forward(
        self,
        app_label: str,  # noqa: ARG002
        old_state: State,  # noqa: ARG002
        new_state: State,  # noqa: ARG002
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        """On either database."""
        if state_editor is None:
            return
        await (_on_sqlite if state_editor.DIALECT == "sqlite" else _on_postgres)(state_editor)


async def _on_sqlite(editor: BaseSchemaEditor) -> None:
    _, found = await editor.client.execute_query("SELECT type, sql FROM sqlite_master WHERE tbl_name = 'operation'")
    (table,) = (row["sql"] for row in found if row["type"] == "table")
    indexes = [row["sql"] for row in found if row["type"] == "index" and row["sql"]]
    if _CASCADE not in table:
        raise RuntimeError(f"The table of operations is not as expected: {table}")
    made = table.replace('TABLE "operation"', 'TABLE "operation_new"').replace(_CASCADE, _SET_NULL)
    await editor.client.execute_query(made)
    await editor.client.execute_query('INSERT INTO "operation_new" SELECT * FROM "operation"')
    await editor.client.execute_query('DROP TABLE "operation"')
    await editor.client.execute_query('ALTER TABLE "operation_new" RENAME TO "operation"')
    for index in indexes:
        await editor.client.execute_query(index)


async def _on_postgres(editor: BaseSchemaEditor) -> None:
    query = "SELECT conname FROM pg_constraint WHERE conrelid = 'operation'::regclass AND contype = 'f'"
    _, found = await editor.client.execute_query(query)
    (name,) = (row["conname"] for row in found)
    key = 'FOREIGN KEY ("application_id") REFERENCES "level" ("id") ON DELETE SET NULL'
    await editor.client.execute_query(f'ALTER TABLE "operation" DROP CONSTRAINT "{name}"')
    await editor.client.execute_query('ALTER TABLE "operation" ALTER COLUMN "application_id" DROP NOT NULL')
    await editor.client.execute_query(f'ALTER TABLE "operation" ADD CONSTRAINT "{name}" {key}')


class Migration(migrations.Migration):
    """Only makes room: what an earlier version wrote stays as it is."""

    dependencies = [("nexus", "0001_initial")]

    operations = [
        Outlive(
            model_name="Operation",
            name="application",
            field=fields.ForeignKeyField(
                "nexus.Level",
                source_field="application_id",
                null=True,
                db_constraint=True,
                to_field="id",
                related_name="operations",
                on_delete=OnDelete.SET_NULL,
            ),
        ),
        ops.AlterModelOptions(
            name="Operation",
            options={
                "table": "operation",
                "app": "nexus",
                "indexes": [Index(fields=["application_id", "number"]), Index(fields=["requested_by", "request_id"])],
                "pk_attr": "id",
                "table_description": "One operation. Whoever holds `lease` works on it, and every write of theirs names it.",
            },
        ),
        ops.AddField(model_name="Operation", name="parent_id", field=fields.UUIDField(null=True)),
        ops.AddField(model_name="Operation", name="held", field=fields.BooleanField(default=False, db_default=False)),
        ops.AddIndex(model_name="Operation", index=Index(fields=["parent_id"])),
    ]
