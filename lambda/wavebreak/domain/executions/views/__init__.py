"""What is shown of an execution: the shapes that the API, messages and pages share."""
