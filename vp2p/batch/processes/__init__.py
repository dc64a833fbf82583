"""The jobs of a plan on processes of this machine."""
