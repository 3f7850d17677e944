"""What is looked after of plans by itself: leases that keep it to one call, and what it found."""
