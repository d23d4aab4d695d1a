"""The outside world, one module per thing; none knows another."""
