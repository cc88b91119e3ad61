"""Values as text: a class is its own name; anything else is JSON, written in one way only, so that equal is equal."""

import json
from typing import Any

from crowd_hitl.domain.errors import bad_field


def as_text(value: object, *, is_class: bool = False) -> str:
    """Write the value of one field of an answer as labels and gold keep it."""
    if is_class:
        return str(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def from_text(text: str, *, is_class: bool = False) -> Any:
    """Read what `as_text` wrote; BadInput for what is no JSON."""
    if is_class:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise bad_field("value", expected="JSON", found=text) from error
