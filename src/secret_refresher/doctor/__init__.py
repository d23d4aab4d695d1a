"""Looks at a live set-up, part by part, and says what was tried, what came of it, what to do."""
