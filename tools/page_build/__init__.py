"""Building the operator's page into the command line's package."""
