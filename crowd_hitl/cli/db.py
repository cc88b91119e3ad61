"""`crowd-hitl db`: upgrade, status."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from sqlalchemy import Engine

from crowd_hitl.cli.frame import FAILED, AsJson, DataFolder, group, put
from crowd_hitl.cli.opening import readable_faults, settings_for
from crowd_hitl.cli.tables import show_pairs
from crowd_hitl.store.engine import open_engine
from crowd_hitl.store.migrating import current_revision, newest_revision, upgrade

app = group("The database.")


@app.command("upgrade")
def upgrade_it(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Bring the database to the shape this version needs; nothing happens when it is."""
    with _engine(data) as engine:
        before = current_revision(engine)
        changed = upgrade(engine)
        now = current_revision(engine)
    if as_json:
        put({"changed": changed, "before": before, "revision": now})
    else:
        typer.echo(f"Upgraded to {now}." if changed else f"The database is at {now} already.")


@app.command()
def status(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Say which revision the database is at; exit code 1 when it needs an upgrade."""
    with _engine(data) as engine:
        current, newest = current_revision(engine), newest_revision()
        kind = engine.dialect.name
    shown = {"database": kind, "revision": current, "newest": newest, "up_to_date": current == newest}
    if as_json:
        put(shown)
    else:
        show_pairs(shown)
    if current != newest:
        raise typer.Exit(FAILED)


@contextmanager
def _engine(data: Path | None) -> Iterator[Engine]:
    settings = settings_for(data)
    with readable_faults(settings):
        engine = open_engine(settings.url(), pool_size=settings.pool_size)
        try:
            yield engine
        finally:
            engine.dispose()
