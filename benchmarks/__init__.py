"""What the engine is held to, measured: each folder is one benchmark with its own command."""
