"""Some of several options: what a multi-label answer is asked with."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.plugins.questions.choice import checked_options
from crowd_hitl.plugins.questions.framing import (
    checked_count,
    checked_frame,
    checked_picks,
    field_of,
    refuse_unknown,
    values_of,
)


class ChoicesQuestion:
    """As many of the options as apply, from `min_chosen` (1) to `max_chosen` (all of them)."""

    kind = "choices"
    is_class = False

    def check_spec(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings completed with defaults; BadInput for a setting that is unknown or wrong."""
        refuse_unknown(spec, ("options", "min_chosen", "max_chosen"))
        framed = checked_frame(spec)
        options = checked_options(spec.get("options"))
        fewest = checked_count("min_chosen", spec.get("min_chosen", 1), least=0, most=len(options))
        most = checked_count("max_chosen", spec.get("max_chosen", len(options)), least=1, most=len(options))
        if fewest > most:
            raise bad_field("max_chosen", expected=f"at least min_chosen ({fewest})", found=most)
        return {**framed, "options": options, "min_chosen": fewest, "max_chosen": most}

    def fields(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """Name the one field an answer has."""
        return [field_of(spec)]

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List what can be chosen, in the requester's order; an answer is a list of these."""
        return values_of(spec)

    def check_answer(self, spec: Mapping[str, Any], value: object) -> dict[str, Any]:
        """Return {field: [value, …]} in the options' order; BadInput for no option, a repeated one, too few or many."""
        known = values_of(spec)
        fewest, most = spec.get("min_chosen", 1), spec.get("max_chosen", len(known))
        picked = set(checked_picks(spec, value, fewest=fewest, most=most))
        return {field_of(spec): [one for one in known if one in picked]}


plugin = ChoicesQuestion()
