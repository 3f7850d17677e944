"""Tasks of the state machines, a module for each machine."""
