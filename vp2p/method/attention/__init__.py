"""Attention control (Prompt-to-Prompt, section 3) and the mask that attention outlines."""
