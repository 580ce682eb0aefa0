"""Takes responses apart without Python objects for the rows: raw JSON in, staged lines out."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

import msgspec

from campaign_monitor_assets.catalogue import Shape, Table

_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY_OF_FIELDS: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


class PageEnvelope(msgspec.Struct, frozen=True):
    """What surrounds the rows of a page."""

    Results: msgspec.Raw
    PageNumber: int
    TotalNumberOfRecords: int
    PageSize: int | None = None
    RecordsOnThisPage: int | None = None
    NumberOfPages: int | None = None
    ResultsOrderedBy: str | None = None
    OrderDirection: str | None = None

    @property
    def may_be_by_date(self) -> bool:
        """Whether it says nothing against an order by date, the newest last."""
        field, direction = self.ResultsOrderedBy or "date", self.OrderDirection or "asc"
        return (field.lower(), direction.lower()) == ("date", "asc")


PAGE: Final = msgspec.json.Decoder(PageEnvelope)


@dataclass(frozen=True)
class Rows:
    """Raw rows, ready to be staged.

    Attributes:
        raw: A JSON object each.
        extra: For each row a JSON object with the fields that the catalogue doesn't know; empty
            where no row has any.
        extra_names: The names of those fields.
        keys: A hash of each row's key, or of the whole row where the table has no key.
    """

    raw: Sequence[msgspec.Raw | bytes]
    extra: Sequence[bytes]
    extra_names: frozenset[str]
    keys: "array[int]"

    def lines(self, read: int, skip: int = 0) -> bytes:
        """The rows as newline-delimited JSON, marked with the number of their attempt."""
        head = b'{"read":%d,"row":' % read
        raw = self.raw[skip:]
        if not raw:
            return b""
        if self.extra:
            return b"".join(
                b'%s%b,"extra":%b}\n' % (head, bytes(row), extra)
                for row, extra in zip(raw, self.extra[skip:], strict=True)
            )
        return head + (b"}\n" + head).join(raw) + b"}\n"


class RowReader:
    """Reads the rows of one table out of a response."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known = frozenset(
            {*table.fields, *table.enclosing, *table.inherits, *table.never_stored}
        )
        self._own_key = tuple(name for name in table.key if name not in table.inherits)
        self._rewritten = bool(table.never_stored or table.enclosing)
        # Unknown fields make this decoder fail, which costs less than looking for them.
        struct = msgspec.defstruct(
            f"Row_{table.name}",
            [(name, msgspec.Raw, msgspec.Raw()) for name in sorted(self._known)],
            forbid_unknown_fields=True,
            gc=False,
        )
        self._strict: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(
            list[struct]  # type: ignore[valid-type]
        )

    def of_body(self, body: bytes | msgspec.Raw) -> Rows:
        """Reads an array or an object.

        Raises:
            msgspec.DecodeError: It is no JSON; a ValidationError: it is of another form.
        """
        if self._table.shape is Shape.ARRAY:
            return self.of_array(body)
        fields = _FIELDS.decode(body)
        if self._table.rows_at is None:
            if fields.keys().isdisjoint(self._table.fields):
                raise msgspec.ValidationError("Object has none of the expected fields")
            return self.of_array(b"[%b]" % bytes(body))
        if bytes(fields.get(self._table.rows_at, b"null")) == b"null":
            return self.of_array(b"[]")
        around = {
            column: fields[name] for column, name in self._table.enclosing.items() if name in fields
        }
        return self.of_array(fields[self._table.rows_at], around)

    def of_array(
        self, body: bytes | msgspec.Raw, around: dict[str, msgspec.Raw] | None = None
    ) -> Rows:
        """Reads an array of objects; `around` is added to each of them."""
        body = _on_one_line(body)
        if not self._rewritten:
            try:
                return self._untouched(body)
            except msgspec.ValidationError:
                # Either a field that the catalogue doesn't know or no array of objects at all:
                # the slower decoding below tells them apart.
                pass
        objects = _ARRAY_OF_FIELDS.decode(body)
        extras = [
            {name: value for name, value in row.items() if name not in self._known}
            for row in objects
        ]
        raw = [
            msgspec.json.encode(
                {
                    name: value
                    for name, value in (row | (around or {})).items()
                    if name in self._known and name not in self._table.never_stored
                }
            )
            for row in objects
        ]
        names = frozenset(name for extra in extras for name in extra)
        return Rows(
            raw=raw,
            extra=[msgspec.json.encode(extra) for extra in extras] if names else (),
            extra_names=names,
            keys=self._hashes(
                [[row.get(name, b"") for row in objects] for name in self._own_key],
                _ARRAY.decode(body),
            ),
        )

    def _untouched(self, body: bytes | msgspec.Raw) -> Rows:
        decoded = self._strict.decode(body)
        raw = _ARRAY.decode(body)
        keys = [map(attrgetter(name), decoded) for name in self._own_key]
        return Rows(raw=raw, extra=(), extra_names=frozenset(), keys=self._hashes(keys, raw))

    def _hashes(
        self, keys: Sequence[Iterable[msgspec.Raw | bytes]], raw: Sequence[msgspec.Raw]
    ) -> "array[int]":
        # Raw text has no hash of its own; joining makes bytes of it without a loop in Python.
        return array("q", map(hash, map(b"\0".join, zip(*keys or [raw], strict=True))))


def _on_one_line(body: bytes | msgspec.Raw) -> bytes | msgspec.Raw:
    # Between tokens a line break is white space, and inside a string JSON has it escaped.
    whole = bytes(body)
    if b"\n" in whole or b"\r" in whole:
        return whole.replace(b"\n", b" ").replace(b"\r", b" ")
    return body
