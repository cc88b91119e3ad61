"""What is said in a recording, or written in an image: a text question whose answers are weighed word by word."""

from collections.abc import Mapping
from typing import Any

from crowd_hitl.plugins.questions.checking import checked_flag
from crowd_hitl.plugins.questions.text import TextQuestion


class TranscriptionQuestion(TextQuestion):
    """One text, of several lines if need be; empty only if `allow_empty` says that there may be nothing to hear."""

    kind = "transcription"
    settings = (*TextQuestion.settings, "allow_empty")

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of a text; `allow_empty` sets the least length."""
        empty = checked_flag("allow_empty", spec.get("allow_empty", False))
        settings = super().check_settings({"multiline": True, **spec})
        least = 0 if empty else max(settings["min_length"], 1)
        return settings | {"allow_empty": empty, "min_length": least}


plugin = TranscriptionQuestion()
