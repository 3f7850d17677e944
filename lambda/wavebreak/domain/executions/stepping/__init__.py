"""Steps of waves: what is done before and after a launch, in order, and what becomes of it."""
