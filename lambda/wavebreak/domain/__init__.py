"""The rules, by subject: pure. Nothing in here reaches an AWS library, the app, or anything that reads or writes."""
