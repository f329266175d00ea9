"""What the benchmarks of the server have in common."""
