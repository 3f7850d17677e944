"""What DRS shows of launches and instances, and what the execution learns from it."""
