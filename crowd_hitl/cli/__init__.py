"""The `crowd-hitl` command, one file per command group."""
