"""Items come from S3 and exports go there, over a real HTTP server that speaks its protocol."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import boto3
import pyarrow.parquet
import pytest
from moto.server import ThreadedMotoServer

from tests.cli.conftest import Run

BUCKET = "drop"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run a simulated S3 on a free port of the loopback address, with one bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    address = f"http://{host}:{port}"
    monkeypatch.setenv("CROWD_HITL_STORAGE_ENDPOINT_URL", address)
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket=BUCKET)
    yield address
    server.stop()


def put(endpoint: str, key: str, content: bytes) -> None:
    boto3.client("s3", endpoint_url=endpoint).put_object(Bucket=BUCKET, Key=key, Body=content)


def got(endpoint: str, key: str) -> bytes:
    found: bytes = boto3.client("s3", endpoint_url=endpoint).get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return found


def test_items_come_from_a_bucket(run: Run, reviews: Path, endpoint: str) -> None:
    put(endpoint, "in/2026/reviews.csv", reviews.read_bytes())
    run("project", "new", "Films", "--prompt", "Good or bad?", "--options", "positive,negative")

    report = run("items", "import", "films", f"s3://{BUCKET}/in/2026/reviews.csv", "--json").json

    assert (report["added"], report["bad_rows"]) == (4, 1)
    missing = run("items", "import", "films", f"s3://{BUCKET}/in/missing.csv", code=1).err
    assert "nothing under in/missing.csv" in missing
    assert "expected s3://bucket/key" in run("items", "import", "films", "s3://drop", "--format", "csv", code=1).err


def test_exports_go_whole_into_a_bucket(published: Run, endpoint: str) -> None:
    for name in ("labels.jsonl", "labels.parquet"):
        written = published("export", "labels", "film-reviews", "--out", f"s3://{BUCKET}/out/{name}", "--json").json
        assert (written["file"], written["rows"]) == (f"s3://{BUCKET}/out/{name}", 1)

    (label,) = [json.loads(line) for line in got(endpoint, "out/labels.jsonl").splitlines()]
    assert pyarrow.parquet.read_table(BytesIO(got(endpoint, "out/labels.parquet"))).to_pylist() == [label]


def test_parquet_goes_out_and_comes_in_again(published: Run, tmp_path: Path) -> None:
    out = tmp_path / "labels.parquet"
    published("export", "labels", "film-reviews", "--out", out)
    published("project", "new", "Second", "--prompt", "Good or bad?", "--options", "positive,negative")

    assert published("items", "import", "second", out, "--json").json["added"] == 1
