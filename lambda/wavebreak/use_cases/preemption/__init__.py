"""A drill never stands in the way of a recovery: how a recovery comes by its locks, and how drills give way."""
