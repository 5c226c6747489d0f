"""Finds blocking HTTP calls on the event loop of FastAPI apps, and rewrites them."""

__version__ = "0.1.0"
