"""A termination: reading what is left of an execution's instances, and the calls that end them."""
