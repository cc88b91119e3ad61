"""The read side of the pages and the API: bounded queries in, dataclasses out; nothing here writes."""
