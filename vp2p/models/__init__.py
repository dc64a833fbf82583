"""Latent diffusion models: finding, checking and loading them, and what frames and words become in them."""
