"""What `make bench` measures: calls, reactions, the size of functions, imports."""
