"""The words of an edit: swaps, aligned tokens, weights, and the words of the mask (Prompt-to-Prompt, section 3)."""
