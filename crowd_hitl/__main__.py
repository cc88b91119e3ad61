"""Runs the `crowd-hitl` command as `python -m crowd_hitl`."""

from crowd_hitl.cli.main import app

if __name__ == "__main__":
    app(prog_name="crowd-hitl")
