"""Items come in: good rows go in, bad ones are reported, nothing comes in twice."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import FieldProblem, NotFound, Unusable
from crowd_hitl.domain.items import ImportReport, ItemRecord
from crowd_hitl.plugins.storages.folder import FolderStorage
from crowd_hitl.services.fetching_media import MediaIntake
from crowd_hitl.services.importing import import_items
from crowd_hitl.services.reading_gold import GoldRule
from crowd_hitl.store.account_rows import OrganisationRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.project_rows import GoldRow, ItemRow, ProjectRow
from crowd_hitl.store.unit_of_work import UnitOfWork

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CLASSES = ("positive", "negative")
GOLD = GoldRule(fields=("label",), classes=CLASSES)


@pytest.fixture
def project_id(unit_of_work: UnitOfWork) -> int:
    """Give the id of an empty project."""
    return unit_of_work.run(an_empty_project)


def an_empty_project(session: Session) -> int:
    owner = OrganisationRow(name="Readers", created_at=NOON)
    session.add(owner)
    session.flush()
    project = ProjectRow(organisation_id=owner.id, slug="films", name="Films", simulated=False, created_at=NOON)
    session.add(project)
    session.flush()
    return project.id


@pytest.fixture
def media(tmp_path: Path) -> MediaIntake:
    """Take images from the folder `in`, into the folder `storage`."""
    (tmp_path / "in").mkdir()
    return MediaIntake(storage=FolderStorage(tmp_path / "storage"), folder=tmp_path / "in")


Importing = Callable[..., ImportReport]


@pytest.fixture
def importing(unit_of_work: UnitOfWork, project_id: int, media: MediaIntake) -> Importing:
    """Import records into the project."""

    def run(records: Iterable[ItemRecord | FieldProblem], **other: Any) -> ImportReport:
        given = {"project_id": project_id, "gold": GOLD, "media": media, **other}
        return import_items(unit_of_work, records=records, **given)

    return run


def a_record(row: int = 1, *, key: str = "mr-1", text: str | None = "A film.", **other: Any) -> ItemRecord:
    return ItemRecord(row=row, key=key, text=text, **other)


def an_image_record(image: str, *, row: int = 1, key: str = "d-1") -> ItemRecord:
    return ItemRecord(row=row, key=key, image=image)


def an_image() -> bytes:
    out = BytesIO()
    Image.new("RGB", (8, 8), (200, 30, 30)).save(out, format="PNG")
    return out.getvalue()


def items(unit_of_work: UnitOfWork) -> list[ItemRow]:
    with unit_of_work.reading() as session:
        return list(session.scalars(select(ItemRow).order_by(ItemRow.id)))


def the_problem(report: ImportReport) -> FieldProblem:
    (problem,) = report.bad
    return problem


def test_a_row_becomes_an_item_with_its_key_text_and_data(importing: Importing, unit_of_work: UnitOfWork) -> None:
    report = importing([a_record(key="mr-7", text="Dull.", data={"year": 1999})])

    assert report == ImportReport(rows=1, added=1, already_there=0, gold=0, bad=())
    (item,) = items(unit_of_work)
    assert (item.key, item.text, item.image_key, item.data) == ("mr-7", "Dull.", None, {"year": 1999})


def test_items_keep_the_order_of_the_file_over_all_chunks(importing: Importing, unit_of_work: UnitOfWork) -> None:
    keys = [f"k{n * 7919 % 2500}" for n in range(2_500)]

    assert importing(a_record(n, key=key) for n, key in enumerate(keys)).added == 2_500
    assert [item.key for item in items(unit_of_work)] == keys


def test_a_bad_row_is_reported_and_does_not_stop_the_good(importing: Importing, unit_of_work: UnitOfWork) -> None:
    problem = FieldProblem(row=2, field="key", expected="a key", found="nothing")

    report = importing([a_record(1, key="a"), problem, a_record(3, key="b")])

    assert (report.rows, report.added, report.bad_rows) == (3, 2, 1)
    assert the_problem(report) == problem
    assert [item.key for item in items(unit_of_work)] == ["a", "b"]


def test_importing_the_same_again_adds_nothing_and_says_so(importing: Importing, unit_of_work: UnitOfWork) -> None:
    records = [a_record(n, key=f"k{n}", gold={"": "positive"}) for n in range(1, 4)]
    importing(records)

    report = importing(records)

    assert report == ImportReport(rows=3, added=0, already_there=3, gold=0, bad=())
    assert len(items(unit_of_work)) == 3


def test_the_same_row_twice_in_one_file_is_there_once(importing: Importing, unit_of_work: UnitOfWork) -> None:
    report = importing([a_record(1), a_record(2)])

    assert (report.added, report.already_there, report.bad) == (1, 1, ())
    assert len(items(unit_of_work)) == 1


@pytest.mark.parametrize("rows_between", [0, 1_500])
def test_the_same_key_with_other_content_in_one_file_is_a_bad_row(importing: Importing, rows_between: int) -> None:
    between = [a_record(n, key=f"other-{n}") for n in range(2, 2 + rows_between)]

    report = importing([a_record(1, text="First."), *between, a_record(9_999, text="Second.")])

    problem = the_problem(report)
    assert (problem.row, problem.field) == (9_999, "key")
    assert problem.found == "'mr-1' again, with other content"
    assert report.added == 1 + rows_between


def test_a_key_whose_first_row_was_bad_may_come_again(importing: Importing, unit_of_work: UnitOfWork) -> None:
    report = importing([a_record(1, gold={"": "ok?"}), a_record(2, gold={"": "positive"})])

    assert [problem.row for problem in report.bad] == [1]
    assert report.added == 1


def test_progress_tells_the_rows_read(importing: Importing) -> None:
    told: list[int] = []

    importing((a_record(n, key=f"k{n}") for n in range(250)), progress=told.append)

    assert told == [100, 200, 250]


def test_a_project_that_is_not_there_is_not_found(importing: Importing) -> None:
    with pytest.raises(NotFound, match="no project 999"):
        importing([a_record()], project_id=999)


def test_two_imports_of_the_same_keys_at_once_add_each_once(importing: Importing, unit_of_work: UnitOfWork) -> None:
    keys = [f"k{n}" for n in range(3_000)]
    orders = [keys, keys[::-1]]
    together = Barrier(2)
    reports: list[ImportReport] = []

    def import_in(order: list[str]) -> None:
        together.wait()
        reports.append(importing(a_record(n, key=key, gold={"": "positive"}) for n, key in enumerate(order)))

    threads = [Thread(target=import_in, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report.added for report in reports) == 3_000
    assert sum(report.already_there for report in reports) == 3_000
    assert sum(report.gold for report in reports) == 3_000
    assert {item.key for item in items(unit_of_work)} == set(keys)


# gold


def test_gold_is_kept_and_is_a_label_too(importing: Importing, unit_of_work: UnitOfWork, project_id: int) -> None:
    report = importing([a_record(gold={"": "positive"}), a_record(2, key="b", gold={"label": "negative"})])

    assert report.gold == 2
    with unit_of_work.reading() as session:
        gold = session.scalars(select(GoldRow).order_by(GoldRow.id)).all()
        labels = session.scalars(select(LabelRow).order_by(LabelRow.id)).all()
    assert [(one.field, one.value, one.source, one.views_max, one.views_reserved) for one in gold] == [
        ("label", "positive", "imported", 100_000, 0),
        ("label", "negative", "imported", 100_000, 0),
    ]
    assert [(one.item_id, one.value, one.source, one.confidence, one.state, one.version) for one in labels] == [
        (gold[0].item_id, "positive", "gold", 1.0, "current", 1),
        (gold[1].item_id, "negative", "gold", 1.0, "current", 1),
    ]
    assert {one.project_id for one in labels} == {project_id}


@pytest.mark.parametrize(
    ("gold", "field", "expected", "found"),
    [
        ({"": "postive"}, "gold", "one of positive, negative", "'postive'"),
        ({"label": "postive"}, "gold.label", "one of positive, negative", "'postive'"),
        ({"mood": "positive"}, "gold.mood", "one of the question's fields: label", "'mood'"),
    ],
)
def test_gold_that_is_no_answer_makes_a_bad_row_that_names_the_options(
    importing: Importing, unit_of_work: UnitOfWork, gold: Mapping[str, str], field: str, expected: str, found: str
) -> None:
    problem = the_problem(importing([a_record(5, gold=gold)]))

    assert problem == FieldProblem(row=5, field=field, expected=expected, found=found)
    assert not items(unit_of_work)


def test_many_options_are_not_all_listed(importing: Importing) -> None:
    rule = GoldRule(fields=("label",), classes=[f"c{n}" for n in range(100)])

    assert the_problem(importing([a_record(gold={"": "x"})], gold=rule)).expected.endswith("c19 and 80 more")


def test_how_often_gold_is_shown_can_be_set(importing: Importing, unit_of_work: UnitOfWork) -> None:
    importing([a_record(gold={"": "positive"})], gold=GoldRule(("label",), CLASSES, views_max=5))

    with unit_of_work.reading() as session:
        assert session.scalars(select(GoldRow.views_max)).one() == 5


# images


def test_an_image_is_kept_and_its_key_is_the_items(
    importing: Importing, unit_of_work: UnitOfWork, media: MediaIntake, tmp_path: Path
) -> None:
    (tmp_path / "in" / "a.png").write_bytes(an_image())

    assert importing([an_image_record("a.png")]).added == 1

    (item,) = items(unit_of_work)
    assert item.image_key is not None
    assert media.storage.exists(item.image_key)


@pytest.mark.parametrize("reference", ["missing.png", "../secret.png", "text.png", "https://host/a.png"])
def test_an_image_that_cannot_be_had_is_a_bad_row_and_the_next_goes_in(
    importing: Importing, unit_of_work: UnitOfWork, tmp_path: Path, reference: str
) -> None:
    (tmp_path / "secret.png").write_bytes(an_image())
    (tmp_path / "in" / "text.png").write_text("not an image")
    (tmp_path / "in" / "a.png").write_bytes(an_image())

    report = importing([an_image_record(reference, row=4), an_image_record("a.png", row=5, key="d-2")])

    problem = the_problem(report)
    assert (problem.row, problem.field) == (4, "image")
    assert [item.key for item in items(unit_of_work)] == ["d-2"]


def test_an_image_that_is_there_already_is_not_fetched_again(importing: Importing, media: MediaIntake) -> None:
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return an_image()

    intake = MediaIntake(storage=media.storage, fetch=fetch)
    for _ in range(2):
        importing([an_image_record("https://pictures.example/a")], media=intake)

    assert asked == ["https://pictures.example/a"]


def test_a_storage_that_fails_stops_the_import_and_keeps_what_is_in(
    importing: Importing, unit_of_work: UnitOfWork, tmp_path: Path
) -> None:
    (tmp_path / "in" / "a.png").write_bytes(an_image())
    (tmp_path / "storage").write_text("in the way")
    texts = [a_record(n, key=f"k{n}") for n in range(1_000)]

    with pytest.raises(Unusable, match="could not be written"):
        importing([*texts, an_image_record("a.png", row=1_001)])

    with unit_of_work.reading() as session:
        assert session.scalar(select(func.count()).select_from(ItemRow)) == 1_000
