"""Files that are served or put into pages."""
