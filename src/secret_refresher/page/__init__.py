"""The status page: HTML with a style sheet and a script, and its document as JSON."""
