"""The page in the browser: ``vp2p ui``. It starts the commands, and shows what they write."""
