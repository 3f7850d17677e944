"""The definitions of the state machines as a deployment fills them in, for those who check them."""
