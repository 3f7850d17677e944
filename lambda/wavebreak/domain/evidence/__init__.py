"""Evidence: what an execution did, as a report that can be verified and a page that can be read."""
