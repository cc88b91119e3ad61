"""Measurements that are run by hand, each folder with a command of its own; no test asserts a time."""
