"""One adapter for each AWS service, the factory of clients, calls without a client token, reads of several sites."""
