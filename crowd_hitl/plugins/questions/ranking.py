"""An order of the options, best first."""

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

# An order of more than this is no longer what a person thinks.
MOST_RANKED = 50


class RankingQuestion:
    """The options in order, the first the best; from `min_ranked` to `max_ranked` of them, by default all.

    Options that are left out stand below those that are ranked, in no order among themselves.
    """

    kind = "ranking"
    is_class = False

    def check_spec(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings completed with defaults; BadInput for a setting that is unknown or wrong."""
        refuse_unknown(spec, ("options", "min_ranked", "max_ranked"))
        framed = checked_frame(spec)
        options = checked_options(spec.get("options"))
        if len(options) > MOST_RANKED:
            raise bad_field("options", expected=f"at most {MOST_RANKED} options to rank", found=len(options))
        most = checked_count("max_ranked", spec.get("max_ranked", len(options)), least=1, most=len(options))
        fewest = checked_count("min_ranked", spec.get("min_ranked", most), least=1, most=len(options))
        if fewest > most:
            raise bad_field("max_ranked", expected=f"at least min_ranked ({fewest})", found=most)
        return {**framed, "options": options, "min_ranked": fewest, "max_ranked": most}

    def fields(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """Name the one field an answer has."""
        return [field_of(spec)]

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List what is ranked, in the requester's order; an answer is a list of these."""
        return values_of(spec)

    def check_answer(self, spec: Mapping[str, Any], value: object) -> dict[str, Any]:
        """Return {field: [best, …]}; BadInput for no option, a repeated one, too few or too many."""
        most = spec.get("max_ranked", len(values_of(spec)))
        fewest = spec.get("min_ranked", most)
        return {field_of(spec): checked_picks(spec, value, fewest=fewest, most=most)}


plugin = RankingQuestion()
