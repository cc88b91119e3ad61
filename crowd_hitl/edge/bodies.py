"""How bodies are read: none at all is an empty JSON object, whatever type a client gives to nothing."""

from typing import Any

from flask import Request


class EdgeRequest(Request):
    """A request whose missing body reads as `{}`, so that requests without settings need not send any."""

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Return `{}` for an empty body; anything else that is not JSON stays an error."""
        return super().on_json_loading_failed(e) if self.get_data() else {}
