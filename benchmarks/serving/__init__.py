"""How many answers a second a served batch takes, and what an answer costs."""
