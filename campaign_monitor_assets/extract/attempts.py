"""The pages of one attempt at a collection, as a task: no HTTP."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from campaign_monitor_assets.extract.concurrency import Task
from campaign_monitor_assets.extract.fetch import Request, Response
from campaign_monitor_assets.extract.paginator import Page, next_requests


def _never(_: Sequence[Page]) -> bool:
    return False


def read_attempt(
    request: Request, *, page_size: int, is_enough: Callable[[Sequence[Page]], bool] = _never
) -> Task[Request, Response, list[Page] | Response]:
    """Reads all pages, or returns the response that has none.

    Args:
        request: What to ask for; its page is filled in.
        page_size: Rows a page.
        is_enough: Whether the pages so far say that the rest is not wanted.
    """
    pages: list[Page] = []
    while requests := next_requests(pages, page_size=page_size):
        responses = yield [replace(request, page=page) for page in requests]
        for response in responses:
            if response.page is None:
                return response
            pages.append(response.page)
        if is_enough(pages):
            break
    return pages
