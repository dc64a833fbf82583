"""Settings as users give them: templates, vp2p.yaml, the environment."""
