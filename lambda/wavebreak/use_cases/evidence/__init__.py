"""The evidence of executions: logs kept, reports made and written, verdicts, and the progress of launches."""
