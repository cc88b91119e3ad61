"""Items come in: row by row, each chunk in its own unit of work; a bad row is reported and stops nobody."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from typing import Any

from sqlalchemy import Dialect, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import FieldProblem, NotFound
from crowd_hitl.domain.items import FIRST_FIELD, ImportReport, ItemRecord
from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.services.imaging import BadImage, ImageIntake
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.project_rows import GoldRow, ItemRow, ProjectRow
from crowd_hitl.store.unit_of_work import UnitOfWork

CHUNK_ROWS = 1_000
PROGRESS_ROWS = 100
OPTIONS_SHOWN = 20
# Gold that names no field is for the question's first.
Progress = Callable[[int], None]
_GOLD_LABEL = {"version": 1, "state": "current", "confidence": 1.0, "source": LabelSource.GOLD.value, "votes": 0}


class BadGold(Exception):
    """Why a known answer cannot be used."""

    def __init__(self, column: str, *, expected: str, found: str) -> None:
        super().__init__(column)
        self.column, self.expected, self.found = column, expected, found


@dataclass(frozen=True)
class GoldRule:
    """What gold may say: the question's fields, the options of each, and how often one known answer may be shown."""

    fields: Sequence[str]
    classes: Sequence[str]
    views_max: int = 100_000

    def by_field(self, record: ItemRecord) -> dict[str, str]:
        """Return a record's gold with every field named; BadGold if the question has no such field or option."""
        named = {}
        for name, value in record.gold.items():
            column = f"gold.{name}" if name != FIRST_FIELD else "gold"
            if name not in (FIRST_FIELD, *self.fields):
                expected = f"one of the question's fields: {_listed(self.fields)}"
                raise BadGold(column, expected=expected, found=f"'{name[:80]}'")
            if value not in self.classes:
                raise BadGold(column, expected=f"one of {_listed(self.classes)}", found=f"'{value[:80]}'")
            named[name or self.fields[0]] = value
        return named


@dataclass
class _Tally:
    """What an import has done so far."""

    rows: int = 0
    added: int = 0
    already_there: int = 0
    gold: int = 0
    bad: list[FieldProblem] = field(default_factory=list)
    # key → content, both hashed: 100 bytes a row, so that a file of a million rows fits
    seen: dict[bytes, bytes] = field(default_factory=dict)

    def refuse(self, record: ItemRecord, column: str, *, expected: str, found: str) -> None:
        """Note a bad row; its key is forgotten if it was the first of it, so that a mended one may follow."""
        self.bad.append(FieldProblem(field=column, expected=expected, found=found, row=record.row))
        if column != "key":
            del self.seen[_digest(record.key)]

    def report(self) -> ImportReport:
        """Return it as callers get it, problems in the order of their rows."""
        bad = sorted(self.bad, key=lambda problem: problem.row or 0)
        return ImportReport(self.rows, self.added, self.already_there, self.gold, tuple(bad))


@dataclass(frozen=True)
class _Ready:
    """A record whose gold is checked and whose image is in the storage."""

    record: ItemRecord
    image_key: str | None
    gold: dict[str, str]


def import_items(
    uow: UnitOfWork,
    *,
    project_id: int,
    records: Iterable[ItemRecord | FieldProblem],
    gold: GoldRule,
    images: ImageIntake,
    progress: Progress | None = None,
) -> ImportReport:
    """Add the items that are not there yet; `progress` is told how many rows were read.

    A key that is there already adds nothing, whatever its row says now. The same key twice in one import is a bad row
    if the rows differ. NotFound if there is no such project; bad rows are in the report.
    """
    uow.read(_check_project, project_id=project_id)
    tally = _Tally()
    for chunk in _chunks(_counted(records, tally, progress)):
        known = uow.read(_known_keys, project_id=project_id, keys=[record.key for record in chunk])
        # Files are read and addresses asked between the units of work, never inside one.
        wanted = (record for record in chunk if _is_new(record, tally, known=known))
        ready = list(_prepared(wanted, tally, gold=gold, images=images))
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
    while chunk := list(islice(records, CHUNK_ROWS)):
        yield chunk


def _is_new(record: ItemRecord, tally: _Tally, *, known: Set[str]) -> bool:
    """Say whether an item is to be added; the same key twice in one import must have the same content."""
    content = _digest(_content(record))
    before = tally.seen.setdefault(_digest(record.key), content)
    if before != content:
        found = f"'{record.key[:80]}' again, with other content"
        tally.refuse(record, "key", expected="a key of its own for every item", found=found)
        return False
    if before is not content or record.key in known:
        tally.already_there += 1
        return False
    return True


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=12).digest()


def _content(record: ItemRecord) -> str:
    parts = [record.text, record.image, dict(record.data), dict(record.gold)]
    return json.dumps(parts, sort_keys=True, ensure_ascii=False)


def _prepared(records: Iterable[ItemRecord], tally: _Tally, *, gold: GoldRule, images: ImageIntake) -> Iterator[_Ready]:
    """Check the gold and take in the images; what fails becomes a bad row."""
    for record in records:
        try:
            by_field = gold.by_field(record)
            image_key = images.take(record.image) if record.image is not None else None
        except BadGold as bad:
            tally.refuse(record, bad.column, expected=bad.expected, found=bad.found)
        except BadImage as bad:
            tally.refuse(record, "image", expected=bad.expected, found=bad.found)
        else:
            yield _Ready(record=record, image_key=image_key, gold=by_field)


def _check_project(session: Session, *, project_id: int) -> None:
    if session.get(ProjectRow, project_id) is None:
        raise NotFound(f"There is no project {project_id}.")


def _known_keys(session: Session, *, project_id: int, keys: Sequence[str]) -> set[str]:
    found = select(ItemRow.key).where(ItemRow.project_id == project_id, ItemRow.key.in_(keys))
    return set(session.scalars(found))


def _add(
    session: Session, *, project_id: int, ready: Sequence[_Ready], views_max: int, now: datetime
) -> tuple[int, int]:
    """Insert one chunk with its gold; return how many items and known answers are new.

    Two imports of the same keys at once: the database keeps one of each and tells both who put it there.
    """
    rows = [_item(one, project_id=project_id, now=now) for one in ready]
    insert_new = _insert_new(session.get_bind().dialect).returning(ItemRow.id, ItemRow.key)
    ids = {key: item_id for item_id, key in session.execute(insert_new, rows)}
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


def _item(one: _Ready, *, project_id: int, now: datetime) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "key": one.record.key,
        "text": one.record.text,
        "image_key": one.image_key,
        "data": dict(one.record.data),
        "created_at": now,
    }


def _insert_new(dialect: Dialect) -> postgresql.Insert | sqlite.Insert:
    """Insert items, silently leaving out keys that are there."""
    if dialect.name == "postgresql":
        return postgresql.insert(ItemRow).on_conflict_do_nothing(index_elements=["project_id", "key"])
    return sqlite.insert(ItemRow).on_conflict_do_nothing(index_elements=["project_id", "key"])


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:OPTIONS_SHOWN])
    more = len(names) - OPTIONS_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
