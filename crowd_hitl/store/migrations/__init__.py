"""Alembic's migrations, run by store/migrating.py."""
