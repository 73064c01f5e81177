"""What the tests stand on: a model server, a started service, clients."""
