"""An order of the options, best first."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.plugins.questions.checking import checked_options, checked_picks, checked_whole, values_of
from crowd_hitl.plugins.questions.framing import FramedQuestion

# An order of more than this is no longer what a person thinks.
MOST_RANKED = 50


class RankingQuestion(FramedQuestion):
    """The options in order, the first the best; from `min_ranked` to `max_ranked` of them, by default all.

    Options that are left out stand below those that are ranked, in no order among themselves.
    """

    kind = "ranking"
    settings = ("options", "min_ranked", "max_ranked")

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options, and how many of them are to be ranked."""
        options = checked_options(spec.get("options"))
        if len(options) > MOST_RANKED:
            raise bad_field("options", expected=f"at most {MOST_RANKED} options to rank", found=len(options))
        most = checked_whole("max_ranked", spec.get("max_ranked", len(options)), least=1, most=len(options))
        fewest = checked_whole("min_ranked", spec.get("min_ranked", most), least=1, most=most)
        return {"options": options, "min_ranked": fewest, "max_ranked": most}

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List what is ranked, in the requester's order; an answer is a list of these."""
        return values_of(spec)

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> list[str]:
        """Return [best, …]; BadInput for no option, a repeated one, too few or too many."""
        known = values_of(spec)
        most = spec.get("max_ranked", len(known))
        return checked_picks(where, value, known, fewest=spec.get("min_ranked", most), most=most)


plugin = RankingQuestion()
