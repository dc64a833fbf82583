"""Commands that look after a workspace, one file each."""
