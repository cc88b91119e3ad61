"""The rules: pure functions and frozen dataclasses; nothing here does I/O."""
