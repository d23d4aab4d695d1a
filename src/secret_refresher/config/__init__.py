"""Configuration: a mapping in, a frozen model or every problem at once out. All pure."""
