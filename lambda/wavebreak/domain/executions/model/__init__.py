"""What is known of an execution: its waves, their servers, and the calls of DRS that were made for them."""
