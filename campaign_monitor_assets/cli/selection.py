"""The assets that `--select` chooses, and a sentence for what chooses none."""

import difflib
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import dagster as dg

from campaign_monitor_assets.errors import ConfigurationError

_TERM: Final = re.compile(r'(?:(?P<kind>\w+):)?(?P<value>"[^"]*"?|[^\s,()+"]+)')
_WORDS: Final = frozenset({"and", "or", "not", "sinks", "roots"})
_SYNTAX: Final = (
    "An asset is selected by 'key:\"campaign_monitor/lists\"', a group by 'group:lists', both by"
    " writing `or` between them; + before one adds what it depends on, + after it what depends on"
    " it."
)


@dataclass(frozen=True)
class _Term:
    """One condition of a selection, such as `key:"campaign_monitor/lists"` or `lists`."""

    text: str
    kind: str
    value: str


def selected(definitions: dg.Definitions, selection: str) -> list[dg.AssetKey]:
    """The assets of a selection in Dagster's syntax.

    Raises:
        ConfigurationError: It is no selection, or one of its conditions fits no asset.
    """
    assets = [item for item in definitions.assets or () if isinstance(item, dg.AssetsDefinition)]
    chosen = _resolved(selection, assets)
    vain = [term for term in _terms(selection) if not _resolved(term.text, assets)]
    if chosen and not vain:
        return chosen
    # Dagster takes no assets at all for all of them.
    if chosen is None:
        wrong = f"The selection {selection!r} is not one that Dagster understands."
    elif chosen:
        wrong = f"{vain[0].text!r} in the selection {selection!r} fits no asset."
    else:
        wrong = f"The selection {selection!r} fits no asset."
    meant = list(dict.fromkeys(filter(None, (_meant(term, assets) for term in vain))))
    question = f" Did you mean {' or '.join(meant)}?" if meant else ""
    raise ConfigurationError(f"{wrong}{question} {_SYNTAX}")


def _resolved(selection: str, assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetKey] | None:
    """The assets that fit; None: it is no selection."""
    with warnings.catch_warnings():
        # Dagster says of its own syntax that it is new.
        warnings.simplefilter("ignore", dg.BetaWarning)
        try:
            return list(dg.AssetSelection.from_string(selection).resolve(assets))
        except dg.DagsterInvalidSubsetError:
            return []
        except (dg.DagsterError, NotImplementedError):
            return None


def _terms(selection: str) -> list[_Term]:
    return [
        _Term(found[0], (found["kind"] or "key").lower(), found["value"].strip('"'))
        for found in _TERM.finditer(selection)
        if found[0] not in _WORDS
    ]


def _meant(term: _Term, assets: Sequence[dg.AssetsDefinition]) -> str | None:
    """The condition that was probably meant."""
    if term.kind == "group":
        groups = {group for asset in assets for group in asset.group_names_by_key.values()}
        return next((f"group:{group}" for group in _close(term.value, groups)), None)
    if term.kind != "key":
        return None
    keys = {key.path[-1]: key for asset in assets for key in asset.keys}
    name = term.value.rpartition("/")[2]
    return next((f'key:"{keys[each].to_user_string()}"' for each in _close(name, keys)), None)


def _close(given: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(given, sorted(known), n=1)
