"""EC2, as far as it concerns what DRS launches: instances, launch templates, subnets, groups, instance types."""
