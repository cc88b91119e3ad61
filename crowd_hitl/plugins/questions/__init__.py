"""Plug-ins of the kind `questions`, one file each, found by scanning this folder."""
