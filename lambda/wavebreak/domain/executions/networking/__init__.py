"""A drill in a network of its own: where its servers go, and until when their launch templates stay changed."""
