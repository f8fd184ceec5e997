"""Browser-side parts: what has to move faster than a page can rerun."""
