"""Socket surfaces and their outbound queues (contract tutor-socket.md, whiteboard-socket.md)."""
