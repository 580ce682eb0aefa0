"""Values that nobody expects, from the body of a page to DuckDB: they arrive or fail loudly."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg
import hypothesis
import hypothesis.strategies as st
import pytest

from campaign_monitor_assets_tests.project import Project, failures, metadata, people

TABLE = "active_subscribers"
SECRET = "somebody.private@example.com"


@pytest.fixture
def one_list(with_parents: Project) -> Project:
    """A project that knows of one list only."""
    with_parents.change("delete from lists where ListID <> (select min(ListID) from lists)")
    return with_parents


def page(rows: Sequence[object]) -> bytes:
    envelope = {
        "Results": rows,
        "PageNumber": 1,
        "PageSize": 1000,
        "RecordsOnThisPage": len(rows),
        "TotalNumberOfRecords": len(rows),
        "NumberOfPages": 1,
    }
    return json.dumps(envelope).encode()


def sync(project: Project, body: bytes, table: str = TABLE) -> dg.ExecuteInProcessResult:
    path = {"active_subscribers": "/active", "lists": "/lists"}[table]
    project.box.faults([{"what": "body", "path": path, "base64": encoded(body), "times": None}])
    return project.materialize(table)


def encoded(body: bytes) -> str:
    return base64.b64encode(body).decode()


def row(**fields: Any) -> dict[str, Any]:
    return people(1)[0] | {"EmailAddress": SECRET} | fields


def stored(project: Project, *columns: str) -> list[tuple[Any, ...]]:
    names = ", ".join('"' + column.replace('"', '""') + '"' for column in columns)
    return project.query(f"select {names} from {TABLE} order by EmailAddress")


def assert_loud(result: dg.ExecuteInProcessResult) -> str:
    """The run failed by an error of ours that quotes nothing of a row."""
    [text] = texts_of_failures(result).values()
    return text


def texts_of_failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What failed, each by an error of ours that quotes nothing of a row."""
    assert not result.success
    texts = failures(result)
    for event in result.all_events:
        if event.is_step_failure:
            assert event.step_failure_data.user_failure_data is not None, texts
    assert not any(SECRET in text for text in texts.values())
    return texts


TEXTS = [
    "",
    " \t ",
    "a\x00b",
    "\x00",
    "".join(map(chr, range(32))),
    "\x7f\x80\u2028\u2029\ufeff\ufffe",
    "line\nbreak\r\n",
    "x" * 70_000,
    "ü𝄞" * 20_000,
    "'; drop table lists; --",
    '"quoted" \\ back',
    "NULL",
    "null",
    "{}",
    "[1]",
    "2020-01-01",
]


@pytest.mark.parametrize("escaped", [True, False])
def test_text(one_list: Project, escaped: bool) -> None:  # noqa: FBT001
    """Any text arrives as it is, whether the API escapes it or not."""
    rows = [
        row(
            EmailAddress=f"{at:03}",
            Name=text,
            CustomFields=[{"Key": text, "Value": text}],
            New=text,
        )
        for at, text in enumerate(TEXTS)
    ]
    body = json.dumps(json.loads(page(rows)), ensure_ascii=escaped).encode()
    result = sync(one_list, body)
    assert result.success, failures(result)
    found = stored(one_list, "Name", "CustomFields", "New")
    assert [(name, custom, json.loads(new)) for name, custom, new in found] == [
        (text, [{"Key": text, "Value": text}], text) for text in TEXTS
    ]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["merge", "replace"])
@pytest.mark.parametrize("history", [True, False])
def test_text_that_is_edited(one_list: Project, strategy: str, history: bool) -> None:  # noqa: FBT001
    """Text that becomes another is a change, what stays is none, and history has both whole."""
    store = {"write_strategy": strategy, "history": [TABLE] * history}
    project = replace(one_list, store=store)
    first, second = (
        [
            row(EmailAddress=f"{at:02}{key}", Name=text, CustomFields=[custom(text)], New=text)
            for at, (key, text) in enumerate(zip(TEXTS, texts, strict=True))
        ]
        for texts in (TEXTS, [*TEXTS[1:], TEXTS[0]])
    )
    for given, edited in ((first, 0), (second, len(TEXTS)), (second, 0)):
        result = sync(project, page(given))
        assert result.success, failures(result)
        assert stored_texts(project, TABLE) == texts_of(given)
        if history or strategy == "merge":
            assert metadata(result, TABLE)["updated"] == edited
    if history:
        versions = f"campaign_monitor_history.{TABLE}"
        old, now = (f"{versions} where _valid_to is {what}" for what in ("not null", "null"))
        assert stored_texts(project, old) == texts_of(first)
        assert stored_texts(project, now) == texts_of(second)


def custom(text: str) -> dict[str, str]:
    return {"Key": text, "Value": text}


def texts_of(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted(
        (each["EmailAddress"], each["Name"], str(each["CustomFields"]), each["New"])
        for each in rows
    )


def stored_texts(project: Project, relation: str) -> list[tuple[Any, ...]]:
    rows = project.query(f"select EmailAddress, Name, CustomFields, New from {relation}")
    return sorted(
        (address, name, str(fields), json.loads(new)) for address, name, fields, new in rows
    )


ANYTHING: list[tuple[object, str | None]] = [
    (None, None),
    (17, "17"),
    (-1.5, "-1.5"),
    (12345678901234567890123456789, "12345678901234567890123456789"),
    (True, "true"),
    ({"a": [1]}, '{"a":[1]}'),
    ([], "[]"),
]


def numbered(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of which each has a key of its own, in their order."""
    return [row(EmailAddress=f"{at:02}", **fields) for at, fields in enumerate(rows)]


def test_anything_where_text_is_expected(one_list: Project) -> None:
    """Null becomes NULL, and what else is no text arrives as the API wrote it."""
    rows = numbered({"Name": given} for given, _ in ANYTHING)
    body = json.dumps(json.loads(page(rows)), separators=(",", ":")).encode()
    result = sync(one_list, body)
    assert result.success, failures(result)
    assert stored(one_list, "Name") == [(arrives,) for _, arrives in ANYTHING]


NO_TIMES: list[object] = [
    "yesterday",
    17,
    "",
    "2026-02-30 10:00:00",
    "2026-02-30T10:00:00Z",
    "infinity",
    "epoch",
    {"a": 1},
]


def test_what_does_not_fit_its_type(one_list: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """A value that doesn't fit becomes NULL, and how many did is said and kept as metadata."""
    wrong: list[Mapping[str, Any]] = [
        *({"Date": given} for given in NO_TIMES),
        {"CustomFields": "text"},
    ]
    result = sync(one_list, page(numbered([*wrong, {"Date": None, "CustomFields": None}, {}])))
    assert result.success, failures(result)
    malformed = {"Date": len(NO_TIMES), "CustomFields": 1}
    assert metadata(result, TABLE)["malformed_values"] == malformed
    said = capfd.readouterr().err
    for column, number in malformed.items():
        assert f"{number} values of {column} don't fit" in said
    dates, fields = zip(*stored(one_list, "Date", "CustomFields"), strict=True)
    assert [date is None for date in dates] == [*[True] * len(NO_TIMES), False, True, False]
    assert [each is None for each in fields] == [*[False] * len(NO_TIMES), True, True, False]


TIMES = [
    ("2026-01-02 03:04:05", "2026-01-02 03:04:05.000000"),
    ("2026-01-02 03:04", "2026-01-02 03:04:00.000000"),
    ("2026-01-02", "2026-01-02 00:00:00.000000"),
    ("0001-01-01 00:00:00", "0001-01-01 00:00:00.000000"),
    ("2026-01-02T03:04:05", "2026-01-02 03:04:05.000000"),
    ("2026-01-02T03:04", "2026-01-02 03:04:00.000000"),
    ("2026-01-02T03:04:05Z", "2026-01-02 03:04:05.000000"),
    ("2026-01-02T03:04:05-05:00", "2026-01-02 03:04:05.000000"),
    ("2026-01-02T03:04:05+0530", "2026-01-02 03:04:05.000000"),
    ("2026-01-02 03:04:05+10", "2026-01-02 03:04:05.000000"),
    ("2026-01-02T03:04:05.123456", "2026-01-02 03:04:05.123456"),
    ("2026-01-02T03:04:05.5Z", "2026-01-02 03:04:05.500000"),
    ("2026-01-02T03:04:05.1234567+01:00", "2026-01-02 03:04:05.123456"),
]


def test_times_that_fit(one_list: Project) -> None:
    """Any form of ISO 8601, and days alone, arrive as the wall clock that they name."""
    result = sync(one_list, page(numbered({"Date": text} for text, _ in TIMES)))
    assert "malformed_values" not in metadata(result, TABLE)
    found = one_list.query(
        f"select strftime(Date, '%Y-%m-%d %H:%M:%S.%f') from {TABLE} order by EmailAddress"
    )
    assert found == [(wall_clock,) for _, wall_clock in TIMES]


def test_addresses_that_differ_in_case(one_list: Project) -> None:
    """Addresses that differ in case are different keys, and each arrives as it is."""
    addresses = ["A@Example.com", "a@EXAMPLE.COM", "a@example.com"]
    result = sync(one_list, page([row(EmailAddress=address) for address in addresses]))
    assert result.success, failures(result)
    assert stored(one_list, "EmailAddress") == [(address,) for address in addresses]


def test_a_byte_order_mark(one_list: Project) -> None:
    """A byte-order mark before the body is passed over."""
    assert sync(one_list, b"\xef\xbb\xbf" + page([row()])).success
    assert stored(one_list, "EmailAddress") == [(SECRET,)]


@pytest.mark.parametrize("field", ["EmailAddress", "Name", "New"])
def test_a_field_that_comes_twice(one_list: Project, field: str) -> None:
    """An object with the same field twice fails loudly, or the last one holds."""
    body = page([row(New=1)]).replace(
        f'"{field}": '.encode(), f'"{field}": 7, "{field}": '.encode()
    )
    result = sync(one_list, body)
    if result.success:
        assert stored(one_list, "EmailAddress") == [(SECRET,)]
        assert field == "New" or stored(one_list, field) == [(row()[field],)]
    else:
        assert "twice" in assert_loud(result)


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def test_nesting(one_list: Project) -> None:
    """Nested values arrive whole, or as malformed where the column is of another type."""
    fields = ("New", "Name", "CustomFields")
    rows = numbered({field: f"@{depth}@"} for depth in (50, 900) for field in fields)
    body = page(rows)
    for depth in (50, 900):
        body = body.replace(f'"@{depth}@"'.encode(), nested(depth))
    result = sync(one_list, body)
    assert result.success, failures(result)
    assert metadata(result, TABLE)["malformed_values"] == {"CustomFields": 2}
    found = stored(one_list, "New", "Name")
    depths = [max((text or "").count("{") for text in texts) for texts in found]
    assert depths == [50, 50, 0, 900, 900, 0]


@pytest.mark.parametrize("depth", [5_000, 100_000])
@pytest.mark.parametrize("field", ["New", "Name", "CustomFields"])
def test_deep_nesting(one_list: Project, field: str, depth: int) -> None:
    """A deeply nested value arrives whole, or the run fails with an error of ours."""
    result = sync(one_list, page([row(**{field: "@@"})]).replace(b'"@@"', nested(depth)))
    if not result.success:
        assert_loud(result)
    elif field != "CustomFields":
        [(found,)] = stored(one_list, field)
        assert found.count("{") == depth
    else:
        assert metadata(result, TABLE)["malformed_values"] == {"CustomFields": 1}


BROKEN = [
    (rb"half \ud83d", "half \ufffd", 1),
    (rb"\ud83d\ud83d\ude00\ude00", "\ufffd😀\ufffd", 2),
    (rb"\\ud83d \"\\\ud83d", '\\ud83d "\\\ufffd', 1),
    (b"\xff\xfe \xed\xa0\xbd", "\ufffd\ufffd \ufffd\ufffd\ufffd", 5),
    (rb"\u00e \x", "\ufffd \ufffd", 2),
    (b"a\x01\x00\nb", "a\x01\x00\nb", 3),
]
WHOLE = [
    ("\ufffd".encode(), "\ufffd", 0),
    (rb"\u0000\ufffd\ud83d\ude00", "\x00\ufffd😀", 0),
]


@pytest.mark.parametrize("cases", [BROKEN[:1], BROKEN, WHOLE], ids=["one", "all", "none"])
def test_characters_that_are_none(
    one_list: Project, cases: list[tuple[bytes, str, int]], capfd: pytest.CaptureFixture[str]
) -> None:
    """Half an emoji or a broken byte costs that character alone, is counted, and is said."""
    fields = {"Name": "@@", "CustomFields": [{"Key": "@@", "Value": "x"}], "New": "@@"}
    body = page(numbered([fields] * len(cases) + [{}]))
    for given, _, _ in cases:
        body = body.replace(b"@@", given, 3)
    result = sync(one_list, body)
    assert result.success, failures(result)
    assert len(one_list.box.requests()["requests"]) == 1
    count = 3 * sum(count for _, _, count in cases)
    assert metadata(result, TABLE).get("replaced_characters", 0) == count
    assert (f"{count} characters are not valid" in capfd.readouterr().err) is bool(count)
    *found, (last, *_) = stored(one_list, "Name", "CustomFields", "New")
    assert last == row()["Name"]
    assert [(name, custom[0]["Key"], json.loads(new)) for name, custom, new in found] == [
        (arrives,) * 3 for _, arrives, _ in cases
    ]


NUMBERS = ["1e999", "9" * 400, "1." + "1" * 400, "1e-999", "-0"]


def test_numbers_of_any_length(one_list: Project) -> None:
    """A number that no type holds is a malformed value or text; its row and all others arrive."""
    body = page(numbered([{"Date": "@@", "Name": "@@", "New": "@@"}] * len(NUMBERS)))
    for number in NUMBERS:
        body = body.replace(b'"@@"', number.encode(), 3)
    result = sync(one_list, body)
    assert result.success, failures(result)
    assert one_list.count(TABLE) == len(NUMBERS)


NO_PAGES = [
    page([1]),
    page(["text"]),
    page([None]),
    page([[row()]]),
    page([row()]).replace(b'"TotalNumberOfRecords": 1', b'"TotalNumberOfRecords": "1"'),
    page([row()]).replace(b'"TotalNumberOfRecords": 1', b'"TotalNumberOfRecords": null'),
    page([]).replace(b"[]", b"null"),
    page([]).replace(b"[]", b"{}"),
    page([row(Name="@@")]).replace(b'"@@"', b"NaN"),
    b"[]",
    b"null",
    b'"text"',
    b"\x00",
]
PAGED = {
    "active_subscribers": "/active",
    "unconfirmed_subscribers": "/unconfirmed",
    "unsubscribed_subscribers": "/unsubscribed",
    "bounced_subscribers": "/bounced",
    "deleted_subscribers": "/deleted",
}


@pytest.mark.parametrize("bodies", [NO_PAGES[at::3] for at in range(3)])
def test_what_is_no_page(one_list: Project, bodies: Sequence[bytes]) -> None:
    """What is no JSON, or no page of objects, fails with an error of ours; nothing is stored."""
    asked = dict(zip(PAGED, bodies, strict=False))
    assert len(asked) == len(bodies)
    one_list.box.faults(
        [
            {"what": "body", "path": PAGED[table], "base64": encoded(body), "times": None}
            for table, body in asked.items()
        ]
    )
    result = one_list.materialize(*asked)
    assert texts_of_failures(result).keys() == asked.keys()
    for table in asked:
        assert one_list.query("from duckdb_tables() where table_name = ?", table) == []


NAMES = [
    *["name", "NAME", "emailaddress", "clientid", "ListId", "_synced_at", "_SYNCED_AT", "", " "],
    *["a.b", "a/b", "a~b", "a~1b", "$", "$.a", "*", "[0]", "#", "-", "0"],
    *['"', "'", '"; drop table lists; --', "\\", "\x00", "a\nb", "\ufeff", "n" * 3000],
    *["ß", "ẞ", "SS", "\u0131", "I", "i", "İ", "\u017f", "s", "\u212a", "k"],
    *["read", "row", "extra", "parent", "rows", "select"],
]


@pytest.mark.parametrize("names", [NAMES, [""], ["emailaddress"]], ids=["all", "none", "a key"])
def test_new_fields_of_any_name(one_list: Project, names: list[str]) -> None:
    """Fields that the catalogue doesn't know arrive as JSON columns, whatever they are called."""
    values = {name: [number, "ü"] for number, name in enumerate(names)}
    result = sync(one_list, page([row(EmailAddress="a"), row(EmailAddress="b", **values)]))
    assert result.success, failures(result)
    columns = metadata(result, TABLE)["unknown_columns"]
    assert len(columns) == len(names)
    first, second = stored(one_list, *columns)
    assert first == (None,) * len(names)
    assert sorted(json.loads(value) for value in second) == sorted(values.values())


def test_a_new_field_in_an_array(with_parents: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """A new field of any table becomes one more column, with a warning."""
    rows = [{"ListID": "a" * 32, "Name": "News", "Colour": {"r": 1}}]
    [(only,)] = with_parents.query("select min(ClientID) from clients")
    with_parents.change("delete from clients where ClientID <> ?", only)
    result = sync(with_parents, json.dumps(rows).encode(), "lists")
    assert result.success, failures(result)
    assert with_parents.query("select ClientID, Name, Colour from lists") == [
        (only, "News", '{"r":1}')
    ]
    assert metadata(result, "lists")["unknown_columns"] == ["Colour"]
    assert "fields that the catalogue doesn't know" in capfd.readouterr().err


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"Name": TEXT | st.none()},
        optional={
            "ReadsEmailWith": VALUES,
            "MobileNumber": VALUES,
            "Date": VALUES,
            "CustomFields": VALUES,
        },
    )
    | st.dictionaries(TEXT, VALUES, max_size=4),
    min_size=1,
    max_size=4,
)


def _read_anything(project: Project, rows: list[dict[str, Any]]) -> None:
    given = [row() | fields | {"EmailAddress": f"{at}"} for at, fields in enumerate(rows)]
    result = sync(project, page(given))
    if not result.success:
        assert_loud(result)
        return
    for each, (name, phone) in zip(given, stored(project, "Name", "MobileNumber"), strict=True):
        assert name == each["Name"] or not isinstance(each["Name"], str | None)
        assert phone == each.get("MobileNumber") or not isinstance(
            each.get("MobileNumber"), str | None
        )
    known = {name for name, *_ in project.query(f"describe {TABLE}")}
    unknown = {name for each in given for name in each} - known
    for name in unknown & set(metadata(result, TABLE).get("unknown_columns", ())):
        found = [value and json.loads(value) for (value,) in stored(project, name)]
        assert found == [each.get(name) for each in given]


PROPERTY = hypothesis.settings(
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
    max_examples=4,
)


@PROPERTY
@hypothesis.given(ROWS)
def test_any_rows(one_list: Project, rows: list[dict[str, Any]]) -> None:
    """Rows of any JSON whatsoever arrive or fail with an error of ours that quotes none of it."""
    _read_anything(one_list, rows)


@pytest.mark.slow
@hypothesis.settings(PROPERTY, max_examples=25)
@hypothesis.given(ROWS)
def test_any_rows_at_length(one_list: Project, rows: list[dict[str, Any]]) -> None:
    """The same, tried for longer."""
    _read_anything(one_list, rows)
