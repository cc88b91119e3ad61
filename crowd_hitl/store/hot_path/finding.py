"""Chooses the hot path of the database at hand."""

from sqlalchemy import Connection

from crowd_hitl.store.hot_path import postgresql, sqlite
from crowd_hitl.store.hot_path.shapes import HotPath

KINDS: dict[str, HotPath] = {"postgresql": postgresql, "sqlite": sqlite}


def hot_path(connection: Connection) -> HotPath:
    """Return the statements for this connection's database."""
    return KINDS[connection.dialect.name]
