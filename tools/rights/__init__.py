"""Who may do what, and who does it: the rights of every role against the calls that are made in its name."""
