"""What the model may do in a turn (contract services.md §§3-4, 10)."""
