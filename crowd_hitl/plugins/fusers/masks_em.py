"""Masks by crowd-kit's SegmentationEM, a skill for each mask."""

from crowd_hitl.inference.segmenting import expectation
from crowd_hitl.plugins.fusers.masks import MasksFuser

plugin = MasksFuser("masks_em", expectation, by_skill=False)
