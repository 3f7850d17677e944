"""SSM Run Command: the documents it may run, the commands sent, and the real processes that carry them out."""
