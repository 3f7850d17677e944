"""The part of an execution that is kept for its evidence: counted calls, and the verdict."""
