"""Migrations make exactly the tables that the rows describe, once, and refuse what they do not know."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from crowd_hitl.domain.errors import Unusable
from crowd_hitl.store.engine import ROW_MODULES, open_engine
from crowd_hitl.store.migrating import current_revision, newest_revision, upgrade
from crowd_hitl.store.rows import Row
from tests.running.postgres import empty_database

assert ROW_MODULES


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Open a database without any table."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'empty.sqlite'}")
        yield engine
        engine.dispose()
        return
    server: Engine = request.getfixturevalue("postgresql_engine")
    with empty_database(server.url.render_as_string(hide_password=False)) as url:
        engine = open_engine(url)
        yield engine
        engine.dispose()


def test_migrations_make_exactly_the_tables_of_the_rows(empty: Engine) -> None:
    upgrade(empty)

    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Row.metadata) == []
    tables = set(inspect(empty).get_table_names())
    assert tables == {*Row.metadata.tables, "alembic_version"}


def test_checks_and_partial_indexes_are_those_of_the_rows(empty: Engine) -> None:
    """What compare_metadata does not look at: the checks, and the conditions of indexes."""
    upgrade(empty)
    by_migrations = walls(empty)
    with empty.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
        Row.metadata.drop_all(connection)
        Row.metadata.create_all(connection)

    assert by_migrations == walls(empty)


def test_a_second_upgrade_changes_nothing(empty: Engine) -> None:
    assert current_revision(empty) is None
    assert upgrade(empty) is True
    before = walls(empty)

    assert upgrade(empty) is False

    assert current_revision(empty) == newest_revision()
    assert walls(empty) == before


def test_a_database_of_a_newer_version_is_refused_and_left_alone(empty: Engine) -> None:
    upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(Unusable, match="newer version"):
        upgrade(empty)

    assert current_revision(empty) == "9999"


def walls(engine: Engine) -> dict[str, list[str]]:
    """Show every table's checks, unique constraints and indexes, in words that both kinds of making share."""
    inspector = inspect(engine)
    return {
        table: sorted(
            [f"check {one['name']}: {one['sqltext']}" for one in inspector.get_check_constraints(table)]
            + [f"unique {one['name']}: {one['column_names']}" for one in inspector.get_unique_constraints(table)]
            + [
                f"index {one['name']}: {one['column_names']} {one['unique']} {condition(one)}"
                for one in inspector.get_indexes(table)
            ]
            + [f"column {one['name']}: {one['type']} {one['nullable']}" for one in inspector.get_columns(table)]
        )
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def condition(index: Mapping[str, Any]) -> list[str]:
    """Show under which condition an index binds."""
    return sorted(f"{name}: {value}" for name, value in index.get("dialect_options", {}).items())
