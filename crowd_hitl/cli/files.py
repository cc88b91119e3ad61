"""Files of this machine: why one cannot be read, the object in one, and writing one whole or not at all."""

import json
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from crowd_hitl.cli.frame import reason_of
from crowd_hitl.domain.errors import BadInput, Unusable


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in one line why a file cannot be read."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8: byte 0x{error.object[error.start]:02x} does not fit.") from error
    except (OSError, EOFError, zlib.error) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is cut short"
        raise Unusable(f"{path} cannot be read: {reason}.") from error


def read_object(path: Path, what: str) -> dict[str, Any]:
    """Read the JSON object that is a file; BadInput for anything else, Unusable if it cannot be read."""
    with readable(path):
        text = path.read_text(encoding="utf-8-sig")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is not valid JSON: {error}. Expected {what} as one JSON object.") from error
    if not isinstance(found, dict):
        raise BadInput(f"{path}: expected {what} as one JSON object, found {text.strip()[:80]}.")
    return found


def as_bytes(pieces: Iterable[str] | Iterable[bytes]) -> Iterator[bytes]:
    """Give pieces of text as UTF-8, and bytes as they are."""
    for piece in pieces:
        yield piece.encode() if isinstance(piece, str) else piece


def write_whole(path: Path, pieces: Iterable[str] | Iterable[bytes]) -> None:
    """Write a file beside its place and move it there when it is complete; Unusable when that is not possible."""
    temporary: Path | None = None
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.writelines(as_bytes(pieces))
            file.flush()
            os.fsync(file.fileno())
        _give_usual_mode(temporary)
        temporary.replace(path)
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {reason_of(error)}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def put_csv(lines: Iterable[str], out: Path | None) -> None:
    """Write lines to a file, or to standard output where none is named."""
    if out is None:
        sys.stdout.writelines(lines)
    else:
        write_whole(out, lines)


def _give_usual_mode(path: Path) -> None:
    # A temporary file is private; the file that takes its place is as any other that this person makes.
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)
