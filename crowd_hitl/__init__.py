"""crowd_hitl: crowdsourcing task management for human-in-the-loop machine learning."""

__version__ = "0.1.0"
