"""Which execution holds which plan and servers, and how a drill gives way to a recovery."""
