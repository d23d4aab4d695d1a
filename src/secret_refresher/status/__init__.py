"""What is shown of a running daemon: one document, for the page, the command and machines."""
