"""The jobs of a plan as tasks of a Ray cluster."""
