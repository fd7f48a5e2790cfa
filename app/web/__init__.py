"""The review page: HTML over the same use cases as the API. See README.md beside this.

``include_pages`` gives an application all of it.
"""

from app.web.pages import OPEN_PAGES, include_pages

__all__ = ["OPEN_PAGES", "include_pages"]
