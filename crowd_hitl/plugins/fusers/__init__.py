"""Plug-ins of the kind `fusers`, one file each, found by scanning this folder."""
