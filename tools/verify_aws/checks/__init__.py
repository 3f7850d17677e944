"""One check for each behaviour that the table of docs/aws-behaviour.md has verified, by subject."""
