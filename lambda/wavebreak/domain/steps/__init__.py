"""Steps before and after a launch: what one run of an automation or a function is, and what it is given."""
