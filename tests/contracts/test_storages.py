"""What every storage must do."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import cast

import boto3
import pytest
from moto import mock_aws

from crowd_hitl.domain.errors import BadInput, NotFound, Unusable
from crowd_hitl.domain.ports import Storage
from crowd_hitl.plugins.finding import find
from crowd_hitl.plugins.storages.folder import FolderStorage, FolderStorages
from crowd_hitl.plugins.storages.s3 import S3Storage, S3Storages

PLUGINS = {name: cast(FolderStorages | S3Storages, found) for name, found in find("storages").items()}


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """Make a bucket in a simulated S3."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(variable, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3").create_bucket(Bucket="labels")
        yield "labels"


@pytest.fixture(params=PLUGINS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Open an empty storage of every kind."""
    plugin = PLUGINS[request.param]
    if plugin.name == "folder":
        return plugin.open(str(tmp_path / "new" / "folder"))
    return plugin.open(f"s3://{request.getfixturevalue('bucket')}/{tmp_path.name}")


def read(storage: Storage, key: str) -> bytes:
    with storage.open(key) as stream:
        return stream.read()


def test_a_storage_is_one_by_its_methods(storage: Storage) -> None:
    assert isinstance(storage, Storage)
    assert storage.name in PLUGINS


def test_what_is_put_can_be_read(storage: Storage) -> None:
    assert storage.put("media/ab/abc.png", BytesIO(b"\x89PNG")) == "media/ab/abc.png"

    assert storage.exists("media/ab/abc.png")
    assert read(storage, "media/ab/abc.png") == b"\x89PNG"


def test_an_opened_one_can_be_sought(storage: Storage) -> None:
    storage.put("a", BytesIO(b"0123456789"))

    with storage.open("a") as stream:
        stream.seek(5)
        assert stream.read(2) == b"56"


def test_putting_again_replaces_the_whole(storage: Storage) -> None:
    storage.put("a", BytesIO(b"a long first text"))
    storage.put("a", BytesIO(b"short"))

    assert read(storage, "a") == b"short"


def test_what_was_handed_over_stays_open(storage: Storage) -> None:
    content = BytesIO(b"x")
    storage.put("a", content)

    assert not content.closed


def test_more_than_fits_in_one_piece_is_kept(storage: Storage) -> None:
    large = bytes(range(256)) * 40_000
    storage.put("models/large", BytesIO(large))

    assert read(storage, "models/large") == large


def test_what_is_not_there_is_not_found(storage: Storage) -> None:
    storage.put("media/a", BytesIO(b"x"))

    for key in ("b", "media/b", "media", "media/a/b"):
        assert not storage.exists(key)
        with pytest.raises(NotFound, match=key):
            storage.open(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a//b",
        "a/",
        ".",
        "a/.hidden",
        "a\\b",
        "a\0b",
        "a b",
        "é",
        "a\n",
        "x" * 501,
    ],
)
def test_a_key_that_could_lead_elsewhere_is_refused(storage: Storage, key: str) -> None:
    with pytest.raises(BadInput, match="storage key"):
        storage.put(key, BytesIO(b"x"))
    with pytest.raises(BadInput, match="storage key"):
        storage.open(key)
    with pytest.raises(BadInput, match="storage key"):
        storage.exists(key)


def test_each_plug_in_knows_its_locations() -> None:
    locations = {"/var/lib/crowd": "folder", "some/folder": "folder", "s3://bucket/prefix": "s3", "s3://bucket": "s3"}

    for location, name in locations.items():
        assert [plugin.name for plugin in PLUGINS.values() if plugin.opens(location)] == [name]


# the folder


class Breaks(BytesIO):
    """A source that fails half-way."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 0:
            raise OSError("the cable was pulled")
        return super().read(4)


def test_a_write_that_breaks_leaves_the_old_and_no_rest(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    storage.put("a", BytesIO(b"old"))

    with pytest.raises(Unusable, match="the cable was pulled"):
        storage.put("a", Breaks(b"new and longer"))

    assert read(storage, "a") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_many_may_put_the_same_key_at_once(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    contents = [bytes([n]) * 100_000 for n in range(8)]
    threads = [Thread(target=storage.put, args=("media/x", BytesIO(content))) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert read(storage, "media/x") in contents


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(Unusable, match="could not be written"):
        FolderStorage(tmp_path / "file").put("a", BytesIO(b"x"))


# the bucket


def test_a_prefix_keeps_storages_of_one_bucket_apart(bucket: str) -> None:
    S3Storage(bucket, "one").put("a", BytesIO(b"x"))

    assert not S3Storage(bucket, "two").exists("a")
    assert S3Storage(bucket).exists("one/a")


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_is_not_there_is_unusable() -> None:
    with pytest.raises(Unusable, match="bucket nowhere"):
        S3Storage("nowhere").put("a", BytesIO(b"x"))


def test_a_bucket_may_be_at_another_service() -> None:
    storage = S3Storages().open("s3://labels/a/b", endpoint_url="http://minio.example:9000")

    assert isinstance(storage, S3Storage)
    assert (storage.bucket, storage.prefix) == ("labels", "a/b")
    assert storage.endpoint_url == "http://minio.example:9000"


def test_a_location_without_a_bucket_is_refused() -> None:
    with pytest.raises(BadInput, match="s3://bucket/prefix"):
        PLUGINS["s3"].open("s3:///prefix")
