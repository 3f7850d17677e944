"""A termination: the looks at what is left of an execution's instances, and the calls that end them."""
