"""The bad days that `make chaos` rehearses."""
