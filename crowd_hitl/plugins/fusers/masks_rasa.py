"""Masks by crowd-kit's SegmentationRASA, masks weighted by how near they are to the result."""

from crowd_hitl.inference.segmenting import reliability
from crowd_hitl.plugins.fusers.masks import MasksFuser

plugin = MasksFuser("masks_rasa", reliability, by_skill=False)
