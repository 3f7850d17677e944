"""EC2: instances, launch templates, and the places where servers land."""
