"""Items come in: row by row, each chunk in its own unit of work; a bad row is reported and stops nobody."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, bindparam, insert, select, text
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import FieldProblem, NotFound
from crowd_hitl.domain.items import ImportReport, ItemRecord
from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.services.clashes import Seen
from crowd_hitl.services.fetching_media import MediaIntake
from crowd_hitl.services.imaging import BadMedia
from crowd_hitl.services.reading_gold import BadGold, GoldRule
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.project_rows import GoldRow, ItemRow, ProjectRow
from crowd_hitl.store.unit_of_work import UnitOfWork

# A chunk is one short transaction: others wait for it where there is one writer.
CHUNK_ROWS = 1_000
CHUNK_CHARACTERS = 4_000_000
PROGRESS_ROWS = 100
COLUMNS = ("key", "text", "image_key", "audio_key", "data")
Progress = Callable[[int], None]
# The rows as one JSON list: the database takes it apart faster than a driver binds every cell.
_INSERT_NEW = """
INSERT INTO item (project_id, key, text, image_key, audio_key, data, created_at)
SELECT :project_id, {columns}, :now FROM {source}
ON CONFLICT (project_id, key) DO NOTHING RETURNING id, key
"""
_FROM_JSON = {
    "postgresql": {
        "columns": "key, text, image_key, audio_key, data",
        "source": """ROWS FROM (json_to_recordset(CAST(:rows AS json))
            AS (key varchar, text varchar, image_key varchar, audio_key varchar, data json))
            WITH ORDINALITY ORDER BY ordinality""",
    },
    "sqlite": {
        "columns": ", ".join(f"json_extract(value, '$.{name}')" for name in COLUMNS),
        "source": "json_each(:rows) WHERE true",
    },
}
# Key by key: a list of keys may be looked for by going through all items of the project, while PostgreSQL has not
# counted them yet; it does that at each chunk then.
_KNOWN = text("""
SELECT k FROM unnest(CAST(:keys AS varchar[])) AS k
WHERE EXISTS (SELECT FROM item i WHERE i.project_id = :project_id AND i.key = k OFFSET 0)""")
_GOLD_LABEL = {"version": 1, "state": "current", "confidence": 1.0, "source": LabelSource.GOLD.value, "votes": 0}


@dataclass
class _Tally:
    """What an import has done so far."""

    rows: int = 0
    added: int = 0
    already_there: int = 0
    gold: int = 0
    seen: Seen = field(default_factory=Seen)
    bad: list[FieldProblem] = field(default_factory=list)

    def refuse(self, record: ItemRecord, column: str, *, expected: str, found: str) -> None:
        """Note a bad row; its key is forgotten if it was the first of it, so that a mended one may follow."""
        self.bad.append(FieldProblem(field=column, expected=expected, found=found, row=record.row))
        if column != "key":
            self.seen.forget(record.key)

    def report(self) -> ImportReport:
        """Return it as callers get it, problems in the order of their rows."""
        bad = sorted(self.bad, key=lambda problem: problem.row or 0)
        return ImportReport(self.rows, self.added, self.already_there, self.gold, tuple(bad))


@dataclass(frozen=True)
class _Ready:
    """A record whose gold is checked and whose image and recording are in the storage."""

    record: ItemRecord
    image_key: str | None
    audio_key: str | None
    gold: dict[str, str]


def import_items(
    uow: UnitOfWork,
    *,
    project_id: int,
    records: Iterable[ItemRecord | FieldProblem],
    gold: GoldRule,
    media: MediaIntake,
    progress: Progress | None = None,
) -> ImportReport:
    """Add the items that are not there yet; `progress` is told how many rows were read.

    A key that is there already adds nothing, whatever its row says now. The same key twice in one import is a bad row
    if the rows differ. NotFound if there is no such project; bad rows are in the report.
    """
    uow.read(_check_project, project_id=project_id)
    tally = _Tally()
    with tally.seen:
        for chunk in _chunks(_counted(records, tally, progress)):
            known = uow.read(_known_keys, project_id=project_id, keys=[record.key for record in chunk])
            # Files are read and addresses asked between the units of work, never inside one.
            wanted = (record for record in chunk if _is_new(record, tally, known=known))
            ready = list(_prepared(wanted, tally, gold=gold, media=media))
            if ready:
                added, gold_added = uow.run(_add, project_id=project_id, ready=ready, views_max=gold.views_max)
                tally.added += added
                tally.gold += gold_added
                tally.already_there += len(ready) - added
    if progress is not None:
        progress(tally.rows)
    return tally.report()


def _counted(
    records: Iterable[ItemRecord | FieldProblem], tally: _Tally, progress: Progress | None
) -> Iterator[ItemRecord]:
    """Count the rows, keep their problems, pass on the good ones."""
    last_bad_row: int | None = None
    for record in records:
        if isinstance(record, ItemRecord):
            tally.rows += 1
            yield record
        else:
            tally.bad.append(record)
            # Several problems may be one row's.
            tally.rows += record.row is None or record.row != last_bad_row
            last_bad_row = record.row
        if progress is not None and tally.rows % PROGRESS_ROWS == 0:
            progress(tally.rows)


def _chunks(records: Iterator[ItemRecord]) -> Iterator[list[ItemRecord]]:
    """Gather rows until they are many or long."""
    chunk: list[ItemRecord] = []
    characters = 0
    for record in records:
        chunk.append(record)
        characters += len(record.text or "")
        if len(chunk) == CHUNK_ROWS or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _is_new(record: ItemRecord, tally: _Tally, *, known: Set[str]) -> bool:
    """Say whether an item is to be added; the same key twice in one import must have the same content."""
    same = tally.seen.note(record)
    if same is False:
        found = f"'{record.key[:80]}' again, with other content"
        tally.refuse(record, "key", expected="a key of its own for every item", found=found)
        return False
    if same or record.key in known:
        tally.already_there += 1
        return False
    return True


def _prepared(records: Iterable[ItemRecord], tally: _Tally, *, gold: GoldRule, media: MediaIntake) -> Iterator[_Ready]:
    """Check the gold and take in the media; what fails becomes a bad row."""
    for record in records:
        column = "image"
        try:
            by_field = gold.by_field(record)
            image_key = media.take(record.image) if record.image is not None else None
            column = "audio"
            audio_key = media.take(record.audio, kind="audio") if record.audio is not None else None
        except BadGold as bad:
            tally.refuse(record, bad.column, expected=bad.expected, found=bad.found)
        except BadMedia as bad:
            tally.refuse(record, column, expected=bad.expected, found=bad.found)
        else:
            yield _Ready(record=record, image_key=image_key, audio_key=audio_key, gold=by_field)


def _check_project(session: Session, *, project_id: int) -> None:
    if session.get(ProjectRow, project_id) is None:
        raise NotFound(f"There is no project {project_id}.")


def _known_keys(session: Session, *, project_id: int, keys: Sequence[str]) -> set[str]:
    if session.get_bind().dialect.name == "postgresql":
        return set(session.scalars(_KNOWN, {"project_id": project_id, "keys": list(keys)}))
    found = select(ItemRow.key).where(ItemRow.project_id == project_id, ItemRow.key.in_(keys))
    return set(session.scalars(found))


def _add(
    session: Session, *, project_id: int, ready: Sequence[_Ready], views_max: int, now: datetime
) -> tuple[int, int]:
    """Insert one chunk with its gold; return how many items and known answers are new.

    Two imports of the same keys at once: the database keeps one of each and tells both who put it there.
    """
    rows = json.dumps([_item(one) for one in ready], ensure_ascii=False)
    new = session.connection().execute(
        _insert_new(session.get_bind().dialect.name), {"project_id": project_id, "rows": rows, "now": now}
    )
    ids = {key: item_id for item_id, key in new}
    known = [
        {"project_id": project_id, "item_id": ids[one.record.key], "field": name, "value": value, "created_at": now}
        for one in ready
        if one.record.key in ids
        for name, value in one.gold.items()
    ]
    if known:
        gold_rows = [row | {"source": "imported", "views_max": views_max, "views_reserved": 0} for row in known]
        session.execute(insert(GoldRow), gold_rows)
        # A label too: what is known is never asked as work.
        session.execute(insert(LabelRow), [row | _GOLD_LABEL for row in known])
    return len(ids), len(known)


def _item(one: _Ready) -> dict[str, Any]:
    record = one.record
    keys = {"image_key": one.image_key, "audio_key": one.audio_key}
    return {"key": record.key, "text": record.text, **keys, "data": dict(record.data)}


def _insert_new(dialect: str) -> TextClause:
    """Insert items in their order, silently leaving out keys that are there."""
    statement = text(_INSERT_NEW.format(**_FROM_JSON[dialect]))
    return statement.bindparams(bindparam("now", type_=ItemRow.created_at.type))
