"""Lines of a file that anybody may have sent: never more than one megabyte in memory, whatever comes."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

LONGEST_BYTES = 1_000_000
LONGEST_SHOWN = f"at most {LONGEST_BYTES:,} bytes"


class TooLong(Exception):
    """A line, or a record of several lines, that is longer than any honest one; the rest of the line is skipped."""


class Lines(Iterator[bytes]):
    """The lines of a stream, without a byte order mark.

    After TooLong the next line can still be read: a generator could not go on.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._first = True
        self._record_bytes = 0

    def begin_record(self) -> None:
        """Start a record: the limit holds for all its lines together."""
        self._record_bytes = 0

    def __next__(self) -> bytes:
        """Return the next line with its end; TooLong when it takes its record above the limit."""
        line = self._stream.readline(LONGEST_BYTES + 1)
        if not line:
            raise StopIteration
        if self._first:
            self._first = False
            line = line.removeprefix(codecs.BOM_UTF8)
        self._record_bytes += len(line)
        if self._record_bytes > LONGEST_BYTES:
            self._skip_rest(line)
            raise TooLong
        return line

    def _skip_rest(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._stream.readline(LONGEST_BYTES)
