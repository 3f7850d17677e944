"""What leaves for the AWS emulator beside the simulator."""
