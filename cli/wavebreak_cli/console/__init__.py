"""The operator's page: a server on the loopback interface that signs calls with the operator's own credentials."""
