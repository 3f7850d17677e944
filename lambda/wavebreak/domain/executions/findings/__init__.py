"""What is kept of an execution for its evidence: calls counted, and what people said of it in the end."""
