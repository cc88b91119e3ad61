"""Random programs of all services against a model of dicts: what the database holds is what the model says."""
