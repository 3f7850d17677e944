"""The REST API as Python: where it is, how calls are signed, what its answers hold."""
