"""The one statement that the two engines' dialects spell alike but import apart."""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

ENGINES = ("sqlite", "postgresql")


def upsert(engine: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that knows `on_conflict_do_update`."""
    return postgresql.insert(table) if engine == "postgresql" else sqlite.insert(table)
