"""What people see: the card, lists, the live view, lines; pure but for the terminal."""
