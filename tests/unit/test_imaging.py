"""Taking in one image: from a folder or an address, and only if it is one."""

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from crowd_hitl.bootstrap import bucket_at
from crowd_hitl.domain.errors import BadInput, Unusable
from crowd_hitl.plugins.storages.folder import FolderStorage
from crowd_hitl.services.fetching_media import Fetch, MediaIntake
from crowd_hitl.services.imaging import BadMedia, image_suffix
from crowd_hitl.settings import Settings


def an_image(kind: str = "PNG", *, size: tuple[int, int] = (8, 8)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, format=kind)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make the folder of an imported file."""
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def an_intake(folder: Path | None, *, storage: Path, fetch: Fetch | None = None) -> MediaIntake:
    return MediaIntake(
        storage=FolderStorage(storage), folder=folder, fetch=fetch, largest_bytes=5_000, largest_pixels=1_000
    )


def refusal(intake: MediaIntake, reference: str) -> str:
    with pytest.raises(BadMedia) as caught:
        intake.take(reference)
    return f"{caught.value.expected}; {caught.value.found}"


@pytest.mark.parametrize(("kind", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("GIF", "gif"), ("WEBP", "webp")])
def test_an_image_is_copied_to_the_storage_under_its_content(
    folder: Path, tmp_path: Path, kind: str, suffix: str
) -> None:
    content = an_image(kind)
    (folder / "sub").mkdir()
    (folder / "sub" / "a.bin").write_bytes(content)
    intake = an_intake(folder, storage=tmp_path / "storage")

    key = intake.take("sub/a.bin")

    assert key.startswith("media/")
    assert key.endswith(f".{suffix}")
    with intake.storage.open(key) as stored:
        assert stored.read() == content


def test_the_same_image_twice_is_kept_once(folder: Path, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(an_image())
    intake = an_intake(folder, storage=tmp_path / "storage")

    assert intake.take("a.png") == intake.take("b.png")
    assert sum(path.is_file() for path in (tmp_path / "storage").rglob("*")) == 1


@pytest.mark.parametrize(
    "reference", ["../secret.png", "/etc/hostname", "link.png", "links/secret.png", "sub/../../secret.png"]
)
def test_an_image_outside_the_folder_is_refused(folder: Path, tmp_path: Path, reference: str) -> None:
    (tmp_path / "secret.png").write_bytes(an_image())
    (folder / "sub").mkdir()
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "links").symlink_to(tmp_path)

    assert "which leads out of it" in refusal(an_intake(folder, storage=tmp_path / "storage"), reference)
    assert not (tmp_path / "storage").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.png", None, "'missing.png', which is not there"),
        (".", None, "'.', which is none"),
        ("a\0b.png", None, "which is not there"),
        ("text.png", b"not an image", "a PNG, JPEG, GIF or WebP image; a file that cannot be read as one"),
        ("empty.png", b"", "an empty file"),
        ("cut.png", an_image()[:-30], "cannot be read as one"),
        ("cut.jpg", an_image("JPEG", size=(30, 30))[:-100], "cannot be read as one"),
        ("drawing.svg", b"<svg><script>alert(1)</script></svg>", "cannot be read as one"),
        ("bitmap.bmp", an_image("BMP"), "cannot be read as one"),
        ("large.png", an_image(size=(100, 100)), "at most 1,000 pixels; 100 × 100"),
        ("heavy.png", an_image() + b"x" * 5_000, "at most 5,000 bytes; more"),
    ],
)
def test_what_is_no_image_is_refused(
    folder: Path, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (folder / name).write_bytes(content)

    assert message in refusal(an_intake(folder, storage=tmp_path / "storage"), name)


def test_an_image_that_would_unpack_to_gigabytes_is_refused_unread() -> None:
    # A PNG whose header says 60,000 × 60,000 pixels.
    content = bytearray(an_image())
    content[16:24] = (60_000).to_bytes(4, "big") * 2

    with pytest.raises(BadMedia):
        image_suffix(bytes(content), largest_pixels=1_000)


@given(data=st.data(), kind=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]))
def test_no_damage_to_an_image_makes_the_check_fail(data: st.DataObject, kind: str) -> None:
    content = bytearray(an_image(kind))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    try:
        assert image_suffix(bytes(content), largest_pixels=10_000)
    except BadMedia as bad:
        assert bad.found


def test_an_image_by_address_is_fetched(tmp_path: Path) -> None:
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return an_image("JPEG")

    key = an_intake(None, storage=tmp_path, fetch=fetch).take("HTTPS://pictures.example/a")

    assert asked == ["HTTPS://pictures.example/a"]
    assert key.endswith(".jpg")


def test_an_address_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    def fetch(_: str) -> bytes:
        raise Unusable("pictures.example answered with status 404.")

    assert "status 404" in refusal(an_intake(None, storage=tmp_path, fetch=fetch), "https://pictures.example/a")


@pytest.mark.parametrize("reference", ["ftp://host/a.png", "file:///etc/passwd", "gopher://host"])
def test_only_web_addresses_are_fetched(tmp_path: Path, reference: str) -> None:
    intake = an_intake(None, storage=tmp_path, fetch=lambda _: an_image())

    assert "an http or https address" in refusal(intake, reference)


def test_without_a_fetcher_or_a_folder_there_is_nothing_to_take_from(tmp_path: Path) -> None:
    intake = an_intake(None, storage=tmp_path)

    assert "an http or https address" in refusal(intake, "https://host/a.png")
    assert "no folder to read from" in refusal(intake, "a.png")


# recordings, and what is linked


def test_a_recording_is_kept_under_its_hash(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(32))
    intake = MediaIntake(storage=FolderStorage(tmp_path / "storage"), folder=tmp_path)

    key = intake.take("a.wav", kind="audio")

    assert key.startswith("media/") and key.endswith(".wav") and intake.storage.exists(key)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n", b"text"])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    intake = MediaIntake(storage=FolderStorage(tmp_path / "storage"), folder=tmp_path)

    with pytest.raises(BadMedia) as refused:
        intake.take("a.wav", kind="audio")

    assert "recording" in refused.value.expected


def test_an_object_of_a_bucket_that_is_named_is_linked_or_copied(tmp_path: Path) -> None:
    bucket = FolderStorage(tmp_path / "bucket")
    bucket.put("in/a.png", BytesIO(an_image()))
    storage = FolderStorage(tmp_path / "storage")

    linking = MediaIntake(storage=storage, bucket=lambda address: (bucket, address[len("s3://pets/") :]), link=True)
    copying = MediaIntake(storage=storage, bucket=linking.bucket)

    assert linking.take("s3://pets/in/a.png") == "s3://pets/in/a.png"
    assert copying.take("s3://pets/in/a.png").startswith("media/")
    for missing in ("s3://pets/in/b.png", "a.png", "s3://pets/" + "x" * 300):
        with pytest.raises(BadMedia):
            linking.take(missing)
    with pytest.raises(BadMedia):
        copying.take("s3://pets/in/b.png")


def test_a_bucket_that_the_settings_do_not_name_is_not_read(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, media_buckets="pets, birds")

    with pytest.raises(BadInput, match="MEDIA_BUCKETS"):
        bucket_at("s3://payroll/all.csv", settings=settings)

    assert bucket_at("s3://birds/a/b.png", settings=settings)[1] == "a/b.png"
