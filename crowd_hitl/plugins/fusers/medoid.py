"""Of several texts the one that is nearest to all: nothing that nobody wrote, for where a mixture would not do."""

from crowd_hitl.plugins.fusers.text import TextFuser

plugin = TextFuser("medoid", farthest_mixed=-1.0)
