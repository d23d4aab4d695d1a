"""Configuration from a file, a folder or the environment."""

from secret_refresher.adapters.config_files.source import ConfigSource, Loaded, resolve

__all__ = ["ConfigSource", "Loaded", "resolve"]
