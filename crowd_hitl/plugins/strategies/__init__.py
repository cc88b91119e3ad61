"""Plug-ins of the kind `strategies`, one file each, found by scanning this folder."""
