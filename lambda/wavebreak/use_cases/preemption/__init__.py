"""How a recovery takes its locks, and how drills give way: a drill never blocks a recovery."""
