"""Where servers are launched: launch configurations of DRS, launch templates of EC2, and what a drill changes there."""
