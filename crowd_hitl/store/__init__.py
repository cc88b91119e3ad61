"""SQLAlchemy rows, the engine, the unit of work and the migrations."""
