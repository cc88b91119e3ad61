"""Keys of stored things: `media/ab/abcdef.png`, the same for every storage."""

import re

from crowd_hitl.domain.errors import bad_field

LONGEST_KEY = 500
# No part starts with a dot: neither `..` nor the hidden files of half-finished writes can be named.
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def checked(key: str) -> str:
    """Return the key; BadInput if it could leave the storage or cannot be stored everywhere."""
    if len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
        raise bad_field("storage key", expected="letters, digits, - _ . in parts divided by /", found=key)
    return key
