"""The command line: commands return results, one renderer prints them."""
