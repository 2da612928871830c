"""The web page and the API over the cache; the only room that imports FastAPI."""

from broadsheet.web.application import create_app

__all__ = ["create_app"]
