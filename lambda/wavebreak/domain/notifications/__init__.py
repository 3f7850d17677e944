"""Which event becomes which message, and the forms of a message."""
