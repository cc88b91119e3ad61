"""Plug-ins of the kind `policies`, one file each, found by scanning this folder."""
