"""Checks of a plan carried out: their commands run, their results kept, and all of them consolidated."""
