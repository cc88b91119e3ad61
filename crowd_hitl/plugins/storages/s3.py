"""S3, or anything that speaks its protocol, as a storage."""

from functools import cached_property
from importlib import import_module
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from crowd_hitl.domain.errors import NotFound, Unusable, bad_field
from crowd_hitl.domain.ports import Storage
from crowd_hitl.plugins.storages.keys import checked

IN_MEMORY_BYTES = 8_000_000
MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


class S3Storage:
    """Keeps every key as one object below a prefix of a bucket; credentials come from boto3's usual places."""

    name = "s3"

    def __init__(self, bucket: str, prefix: str = "", endpoint_url: str | None = None) -> None:
        self.bucket = bucket
        self.prefix = prefix.strip("/")
        self.endpoint_url = endpoint_url

    @cached_property
    def _client(self) -> Any:
        # boto3 takes half a second to import: only those who use S3 wait for it.
        return import_module("boto3").client("s3", endpoint_url=self.endpoint_url)

    @cached_property
    def _faults(self) -> tuple[type[Exception], ...]:
        core = import_module("botocore.exceptions")
        return (core.BotoCoreError, core.ClientError, import_module("boto3.exceptions").Boto3Error)

    def put(self, key: str, content: BinaryIO) -> str:
        """Upload the bytes; S3 shows an object only when it is whole."""
        try:
            # Not content itself: boto3 closes what it uploads.
            with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as copy:
                while piece := content.read(1 << 20):
                    copy.write(piece)
                copy.seek(0)
                self._client.upload_fileobj(copy, self.bucket, self._name(key))
        except self._faults as error:
            raise Unusable(f"{key} could not be written to the bucket {self.bucket}: {error}") from error
        return key

    def open(self, key: str) -> BinaryIO:
        """Download to a temporary file that can be sought; NotFound if there is no such object."""
        name = self._name(key)
        copy = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - the caller closes it
        try:
            self._client.download_fileobj(self.bucket, name, copy)
        except self._faults as error:
            copy.close()
            if _is_missing(error):
                raise NotFound(f"The storage holds nothing under {key}.") from error
            raise Unusable(f"{key} could not be read from the bucket {self.bucket}: {error}") from error
        copy.seek(0)
        return cast(BinaryIO, copy)

    def exists(self, key: str) -> bool:
        """Ask whether there is an object under the key."""
        try:
            self._client.head_object(Bucket=self.bucket, Key=self._name(key))
        except self._faults as error:
            if _is_missing(error):
                return False
            raise Unusable(f"The bucket {self.bucket} could not be asked for {key}: {error}") from error
        return True

    def _name(self, key: str) -> str:
        return f"{self.prefix}/{checked(key)}" if self.prefix else checked(key)


def _is_missing(error: Exception) -> bool:
    response = getattr(error, "response", {})
    return response.get("Error", {}).get("Code") in MISSING


class S3Storages:
    """Opens a bucket as a storage."""

    name = "s3"

    def opens(self, location: str) -> bool:
        """Say whether this location is an S3 address."""
        return location.startswith("s3://")

    def open(self, location: str, *, endpoint_url: str | None = None) -> Storage:
        """Open `s3://bucket/prefix`, at AWS or at another service's address; BadInput if it names no bucket."""
        parts = urlsplit(location)
        if parts.scheme != "s3" or not parts.netloc:
            raise bad_field("storage", expected="s3://bucket/prefix", found=location)
        return S3Storage(parts.netloc, parts.path, endpoint_url)


plugin = S3Storages()
