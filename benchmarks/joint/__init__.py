"""What the project's own model saves: real answers bought one by one, with the model in the loop."""
