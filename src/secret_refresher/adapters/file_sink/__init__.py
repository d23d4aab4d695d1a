"""Tokens as files: never torn, never wider than asked, never two writers."""

from secret_refresher.adapters.file_sink.sink import FileSink

__all__ = ["FileSink"]
