"""What is typed for `--select`, right and wrong."""

import pytest

from campaign_monitor_assets.cli.selection import selected
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets_tests.project import definitions, key

LISTS = 'key:"campaign_monitor/lists"'


@pytest.mark.parametrize(
    ("selection", "tables"),
    [
        (LISTS, {"lists"}),
        ("campaign_monitor/lists", {"lists"}),
        (f"+{LISTS}", {"clients", "lists"}),
        (f'{LISTS} or key:"campaign_monitor/campaigns"', {"lists", "campaigns"}),
        (f'group:lists and not ({LISTS} or key:"*/segment*")', None),
    ],
)
def test_dagsters_syntax_is_understood(
    selection: str, tables: set[str] | None, recwarn: pytest.WarningsRecorder
) -> None:
    """A selection gives its assets, and no warning of Dagster's about its own syntax."""
    chosen = selected(definitions(), selection)
    assert chosen
    assert key("lists") not in chosen if tables is None else set(chosen) == set(map(key, tables))
    assert not recwarn.list


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        ("lists", f"'lists' fits no asset. Did you mean {LISTS}?"),
        ("key:list", f"'key:list' fits no asset. Did you mean {LISTS}?"),
        ("group:list", "'group:list' fits no asset. Did you mean group:lists?"),
        ("group:nothing_like_it", "fits no asset. An asset is selected by"),
        ("foo:bar", "'foo:bar' is not one that Dagster understands. An asset is selected by"),
        ("", "'' is not one that Dagster understands. An asset is selected by"),
        ("column:x", "'column:x' is not one that Dagster understands."),
        ('key:"campaign_monitor/lists', f"Dagster understands. Did you mean {LISTS}?"),
        ("lists,campaigns", f'Did you mean {LISTS} or key:"campaign_monitor/campaigns"?'),
    ],
)
def test_what_fits_nothing_is_told_with_what_was_meant(selection: str, said: str) -> None:
    """The error repeats the selection, suggests what is written nearly so, and shows the syntax."""
    with pytest.raises(ConfigurationError) as caught:
        selected(definitions(), selection)
    assert said in str(caught.value)


def test_one_condition_of_two_that_fits_nothing_is_told() -> None:
    """Half a selection isn't read silently: the typo in the other half is named."""
    with pytest.raises(ConfigurationError) as caught:
        selected(definitions(), f"{LISTS} or key:campaign_monitor/campagins")
    assert str(caught.value).startswith("'key:campaign_monitor/campagins' in the selection ")
    assert 'Did you mean key:"campaign_monitor/campaigns"?' in str(caught.value)
