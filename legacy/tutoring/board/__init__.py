"""Shared whiteboards: live documents, reads, helpers (contract whiteboard-socket.md)."""
