"""Plug-ins of the kind `certifiers`, one file each, found by scanning this folder."""
