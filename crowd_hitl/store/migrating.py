"""Bringing a database to the shape this version needs."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from crowd_hitl.domain.errors import Unusable

FOLDER = Path(__file__).parent / "migrations"


def current_revision(engine: Engine) -> str | None:
    """Return the revision the database is at; None when it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """Return the revision this version needs."""
    head = ScriptDirectory(str(FOLDER)).get_current_head()
    assert head is not None
    return head


def upgrade(engine: Engine) -> bool:
    """Run the missing migrations in one transaction; say whether there were any.

    Unusable when the database was written by a newer version than this one.
    """
    current = current_revision(engine)
    if current == newest_revision():
        return False
    known = {script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions()}
    if current is not None and current not in known:
        raise Unusable("The database was written by a newer version of crowd_hitl. Upgrade the program, not the data.")
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True
