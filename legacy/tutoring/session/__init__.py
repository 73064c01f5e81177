"""What a session remembers: context, user model, quiz (contract models.md §§1-3)."""
