"""Some of several options: what a multi-label answer is asked with."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.plugins.questions.checking import checked_options, checked_picks, checked_range, values_of
from crowd_hitl.plugins.questions.framing import FramedQuestion


class ChoicesQuestion(FramedQuestion):
    """As many of the options as apply, from `min_chosen` (1) to `max_chosen` (all of them)."""

    kind = "choices"
    settings = ("options", "min_chosen", "max_chosen")

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options, and how many may be chosen."""
        options = checked_options(spec.get("options"))
        return {
            "options": options,
            **checked_range(spec, ("min_chosen", "max_chosen"), defaults=(1, len(options))),
        }

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List what can be chosen, in the requester's order; an answer is a list of these."""
        return values_of(spec)

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> list[str]:
        """Return [value, …] in the options' order; BadInput for no option, a repeated one, too few or too many."""
        known = values_of(spec)
        fewest, most = spec.get("min_chosen", 1), spec.get("max_chosen", len(known))
        picked = checked_picks(where, value, known, fewest=fewest, most=most)
        return sorted(picked, key=known.index)


plugin = ChoicesQuestion()
