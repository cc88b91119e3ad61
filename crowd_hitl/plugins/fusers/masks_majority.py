"""Masks by the pixels that at least half of the answers have, as crowd-kit counts them."""

from crowd_hitl.inference.segmenting import majority
from crowd_hitl.plugins.fusers.masks import MasksFuser

plugin = MasksFuser("masks_majority", majority, by_skill=False)
