"""What the API takes and gives: pydantic models, free of the web framework."""
