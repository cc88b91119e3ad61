"""Alembic's entry: runs on the connection that store/migrating.py hands over."""

from alembic import context

from crowd_hitl.store.engine import ROW_MODULES
from crowd_hitl.store.rows import Row

assert ROW_MODULES
connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Row.metadata,
    render_as_batch=True,
    compare_type=True,
    # lets a new revision be written for some tables only
    include_object=context.config.attributes.get("include_object"),
)
with context.begin_transaction():
    context.run_migrations()
