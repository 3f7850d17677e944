"""`make verify-aws`: a deployed stack, and AWS behind it, held against the table of docs/aws-behaviour.md."""
