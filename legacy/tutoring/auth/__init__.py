"""Who calls: access tokens, accounts, passwords (contract G7, realtime-socket.md §9)."""
