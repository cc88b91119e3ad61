"""Gold from the command line: listed, corrected, confirmed, retired; and how much is left for each worker."""

from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.working import work_off

TRUTH = {"r1": "positive", "r2": "negative", "r3": "positive", "r5": "positive", "r6": "positive"}


def test_gold_is_listed_corrected_confirmed_and_retired(published: Run, tmp_path: Path) -> None:
    work_off(tmp_path / "data", batch_id=1, truth=TRUTH)
    more = tmp_path / "more.csv"
    more.write_text("key,text,gold\nr6,Fine.,\n", encoding="utf-8")
    published("items", "import", "film-reviews", more)
    published("batch", "publish", "film-reviews", "--overlap-min", 2, "--gold-rate", 0.5)
    work_off(tmp_path / "data", batch_id=2, truth=TRUTH)
    (line,) = published("gold", "list", "film-reviews", "--json").json["gold"]
    assert (line["key"], line["value"], line["answers"], line["right"]) == ("r5", "negative", 2, 0)
    assert line["votes"] == [{"value": "positive", "answers": 2}]
    assert "positive 2" in published("gold", "list", "film-reviews").out
    assert "No suspect gold" in published("gold", "list", "film-reviews", "--suspect").out

    said = published("gold", "correct", "film-reviews", "r5", "bad", code=1).err
    assert "value: expected one of positive, negative, found 'bad'" in said
    done = published("gold", "correct", "film-reviews", "r5", "positive", "--json").json
    assert (done["right"], done["former"], done["recounted"]) == (2, ["negative"], 2)
    assert "confirmed already" in published("gold", "confirm", "film-reviews", "r5", code=1).err
    assert "See: crowd-hitl gold list" in published("gold", "confirm", "film-reviews", "r1", code=1).err
    assert "r5 is retired" in published("gold", "retire", "film-reviews", "r5").out
    assert published("check").code == 0


def test_workers_of_a_project_show_gold_left(published: Run, tmp_path: Path) -> None:
    assert "Nobody has answered" in published("worker", "list", "--project", "film-reviews").out
    work_off(tmp_path / "data", batch_id=1, truth=TRUTH)

    lines = published("worker", "list", "--project", "film-reviews", "--json").json["workers"]

    assert {line["gold_left"] for line in lines} == {1}
    assert "gold left" in published("worker", "list", "--project", "film-reviews").out
