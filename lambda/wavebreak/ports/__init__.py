"""What use cases need of the outside: a Protocol for each, cut by use; the app has them all, and fakes have some."""
