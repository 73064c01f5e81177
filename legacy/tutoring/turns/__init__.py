"""One frame in, one envelope out: queue, effects, executor (contract tutor-socket.md)."""
