"""What can be swapped, one file per plug-in, found by scanning the folders and by entry points."""
