"""The tasks of the command machine: prepare a run, go through its targets, fold their results."""
