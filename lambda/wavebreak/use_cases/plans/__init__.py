"""Plans stored, shown, deleted and taken over from DRS, and the recovery points of their servers."""
