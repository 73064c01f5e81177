"""Where things go on a board: zones and the region allocator (contract services.md §11)."""
