"""An execution written down as items of the table, and read back. Pure."""
