"""Plug-ins of the kind `aggregators`, one file each, found by scanning this folder."""
