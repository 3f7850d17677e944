"""One verb a file: read facts, ask the domain, write, wake. Each takes the app and returns values."""
