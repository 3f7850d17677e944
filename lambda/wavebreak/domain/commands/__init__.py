"""A command forwarded to many targets: catalogue, arguments, one result each, summary, merge, text."""
