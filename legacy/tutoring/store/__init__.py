"""Tables and transactions on SQLite or PostgreSQL (contract models.md §8, G13)."""
