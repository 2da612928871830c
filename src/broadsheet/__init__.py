"""Each day's new papers as a newsletter that people trust."""

__version__ = "0.1.0"
