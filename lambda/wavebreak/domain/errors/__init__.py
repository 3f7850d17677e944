"""What an error is, and what of it may be kept."""
