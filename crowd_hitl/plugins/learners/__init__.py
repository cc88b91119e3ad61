"""Plug-ins of the kind `learners`, one file each, found by scanning this folder."""
