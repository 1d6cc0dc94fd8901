"""The fixtures of landing_pages, for the tests beside it."""

from tests.landing.landing_pages import pages, people, settings, templates

__all__ = ["pages", "people", "settings", "templates"]
