"""Reading one page of a collection: what may be asked, in which order, and what it looks like."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from .account import Json, Row
from .bulk import Backwards, Bulk, rows_since
from .endpoints import FIELDS, Endpoint

Query = Mapping[str, str]

DAY: Final = r"\d{4}-\d\d-\d\d"
MOMENT: Final = DAY + r"( \d\d:\d\d)?"
CAP: Final = "_cap"
"""What the fault `cap` adds to a query: a page holds so many rows at most."""
TIES: Final = "_ties"
REVERSED: Final = "reversed"
"""What the fault `ties` adds to a query: records of one date come in another order."""
MISSES: Final = "_misses"
"""What the fault `date` adds to a query: so many records are left out, the newest first."""
CONSENTS: Final = (
    ("includetrackingpreference", "ConsentToTrack"),
    ("includesmspreference", "ConsentToSendSms"),
)


class RefusedError(Exception):
    """The request is answered by an error of the API."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Page:
    """What a request asks of a paged collection, every part of it checked."""

    number: int
    size: int
    sort: str
    ordered_by: str
    descending: bool
    dated: str
    since: str
    until: str
    tags: frozenset[str]
    ties_reversed: bool = False
    misses: int = 0


def read_query(endpoint: Endpoint, query: Query, now: datetime) -> Page:
    """Check the parameters of a request, in the order in which the API would refuse them."""
    since, until = "", "9999"
    if query.get("date"):
        if not endpoint.dated:
            raise RefusedError(400, 5, "Date is not accepted here")
        since = _moment(query["date"], MOMENT, 5)
    elif endpoint.recent:
        since = f"{now - timedelta(days=30):%Y-%m-%d %H:%M}"
    if endpoint.collection == "campaigns":
        since, until = _sent_between(query)
    number = _whole(query.get("page", "1"), 1, None, 800, "Invalid page number")
    size = _whole(query.get("pagesize", "1000"), 10, 1000, 801, "Invalid page size")
    size = min(size, int(query.get(CAP, size)))
    named = query.get("orderfield", "").lower()
    if named and named not in endpoint.order:
        raise RefusedError(400, 802, "Invalid order field")
    direction = query.get("orderdirection", "").lower()
    if direction not in ("", "asc", "desc"):
        raise RefusedError(400, 803, "Invalid order direction")
    sort = FIELDS[named] if named else endpoint.sort
    return Page(
        number,
        size,
        sort,
        ordered_by=named or {"EmailAddress": "email", "SentDate": "sentdate"}.get(sort, "date"),
        descending=direction == "desc" if direction else endpoint.descending,
        dated=endpoint.dated or endpoint.sort,
        since=since,
        until=until,
        tags=frozenset(tag.strip() for tag in query.get("tags", "").split(",") if tag.strip())
        if endpoint.collection == "campaigns"
        else frozenset(),
        ties_reversed=query.get(TIES) == REVERSED,
        misses=int(query.get(MISSES, 0)),
    )


def _sent_between(query: Query) -> tuple[str, str]:
    since, until = query.get("sentfromdate", ""), query.get("senttodate", "")
    since = _moment(since, DAY, 920) if since else ""
    # The last day counts in full.
    until = _moment(until, DAY, 922)[:10] + " 99" if until else "9999"
    if since > until:
        raise RefusedError(400, 927, "Invalid date range")
    return since, until


def _moment(text: str, pattern: str, code: int) -> str:
    try:
        if re.fullmatch(pattern, text, re.ASCII):
            return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"
    except ValueError:
        pass
    raise RefusedError(400, code, "Invalid date")


def _whole(text: str, least: int, most: int | None, code: int, message: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 10:
        number = int(text)
        if least <= number and (most is None or number <= most):
            return number
    raise RefusedError(400, code, message)


class Views:
    """Sorted and filtered views of collections, kept for as long as the rows are the same."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[object, Sequence[Row]]] = {}

    def view(self, rows: Sequence[Row], page: Page) -> Sequence[Row]:
        """All rows that the request asks for, in its order, whatever the page."""
        if isinstance(rows, Bulk) and page.sort != "Name":
            found = rows_since(rows, page.since)
            found = found[: max(len(found) - page.misses, 0)]
            return Backwards(found) if page.descending else found
        key = (
            id(rows), page.sort, page.descending, page.since, page.until, page.tags,
            page.ties_reversed, page.misses,
        )  # fmt: skip
        kept = self._kept.get(key)
        if kept is None or kept[0] is not rows:
            if len(self._kept) > 64:
                self._kept.clear()
            kept = self._kept[key] = (rows, _arranged(rows, page))
        return kept[1]


def _arranged(rows: Sequence[Row], page: Page) -> list[Row]:
    if page.since or page.until != "9999":
        rows = [row for row in rows if page.since <= row[page.dated] < page.until]
    if page.tags:
        rows = [row for row in rows if page.tags <= set(row.get("Tags", ()))]
    if page.misses:
        rows = sorted(rows, key=lambda row: str(row[page.dated]))[: -page.misses]
    by_address = sorted(
        rows,
        key=lambda row: _folded(row.get("EmailAddress")),
        reverse=page.descending != page.ties_reversed,
    )
    return sorted(by_address, key=lambda row: _folded(row.get(page.sort)), reverse=page.descending)


def _folded(value: Json) -> str:
    # Tests put anything into a row: the server must serve it all the same.
    return value.lower() if isinstance(value, str) else str(value)


def render(view: Sequence[Row], page: Page, query: Query) -> bytes:
    """The answer for one page of a view."""
    start = min((page.number - 1) * page.size, len(view))
    stop = min(start + page.size, len(view))
    body = render_rows(view[start:stop], query)
    tail = {
        "ResultsOrderedBy": page.ordered_by,
        "OrderDirection": "desc" if page.descending else "asc",
        "PageNumber": page.number,
        "PageSize": page.size,
        "RecordsOnThisPage": stop - start,
        "TotalNumberOfRecords": len(view),
        "NumberOfPages": -(-len(view) // page.size),
    }
    return b'{"Results":[%b],%b' % (body, msgspec.json.encode(tail)[1:])


def render_rows(rows: Sequence[Row], query: Query) -> bytes:
    """The rows with commas between them; what was not asked for is left out."""
    hidden = {field for name, field in CONSENTS if query.get(name, "").lower() != "true"}
    if isinstance(rows, Bulk):
        return rows.rendered(consent="ConsentToTrack" not in hidden)
    if rows and isinstance(rows[0], dict) and "ReadsEmailWith" in rows[0]:
        rows = [{k: v for k, v in row.items() if k not in hidden} for row in rows]
    return msgspec.json.encode(rows)[1:-1]
