"""The REST API, version 1: one file for each resource, schemas apart and free of the web framework."""
