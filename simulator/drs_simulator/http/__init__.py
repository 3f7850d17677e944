"""The server, the service API, the control API."""
