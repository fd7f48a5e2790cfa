"""The review page: HTML over the same use cases as the API. See README.md beside this.

``include_pages`` gives an application all of it, ``answer_people`` pages in place of
problems.
"""

from app.web.pages import OPEN_PAGES, answer_people, include_pages

__all__ = ["OPEN_PAGES", "answer_people", "include_pages"]
