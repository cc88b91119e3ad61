"""Transcriptions become one, always word by word: they are versions of what was said."""

from crowd_hitl.plugins.fusers.text import TextFuser

plugin = TextFuser("transcription", farthest_mixed=1.0)
