"""The fixtures of landing_pages, for the tests beside it."""

from tests.landing.landing_pages import as_pages, pages, patience, people, protocol, settings, templates

__all__ = ["as_pages", "pages", "patience", "people", "protocol", "settings", "templates"]
