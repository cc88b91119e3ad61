"""HTML pages for requesters and workers (Jinja in templates/), over the same services as the API."""
