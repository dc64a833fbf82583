"""The stages of the work: each brings the method and a workspace together, and can be resumed."""
