"""Trials of the command line: broken off, damaged, misled, crowded and misspelt."""

import os

# Before anything imports the hub's client: no trial reaches the network.
os.environ["HF_HUB_OFFLINE"] = "1"
