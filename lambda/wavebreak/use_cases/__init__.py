"""One verb a file: read facts, ask the domain, write, wake. `Ports` name what each needs of the app."""
