"""``plan.yaml``: read as plain values with their lines, checked whole, and multiplied out to items."""
