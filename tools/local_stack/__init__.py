"""The local stack, and the deployed product as tests and tools drive it."""
