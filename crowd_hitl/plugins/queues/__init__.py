"""Queues: what carries the ids of background jobs to the processes that run them."""
