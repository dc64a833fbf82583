"""How good an edit is: one measure a file, on arrays and tensors alone. docs/metrics.md defines each."""
