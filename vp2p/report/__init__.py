"""What a workspace shows of itself: the report page, contact sheets, and previews in the terminal."""
