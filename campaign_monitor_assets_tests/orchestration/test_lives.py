"""Random lives of an account, synced day by day: exact but for what can't be seen, which heals."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.extract.increments import fewest_requests
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets.sandbox.account import SUBSCRIBER_STATES
from campaign_monitor_assets.sandbox.life import CHANGED, KINDS
from campaign_monitor_assets.staging.records import Reason
from campaign_monitor_assets_tests.orchestration.syncs import STATES, Sync, Syncs
from campaign_monitor_assets_tests.project import people

UNSEEN = {"change_address", "delete_for_good", "import_old"}
"""What can leave a key wrong until the next full reading; the last two only together."""

REPORTS = ("campaign_opens", "journey_email_opens")
LIFE: dict[str, Any] = {"most": 1, "reports": 3}


class Watcher:
    """Syncs an account, lets it live, and compares what is stored with what there is."""

    def __init__(self, syncs: Syncs, tables: Sequence[str], seed: int) -> None:
        self._syncs = syncs
        self._tables = tables
        self._seed = seed
        self._unseen: dict[tuple[str, str], set[str]] = {}
        self.reasons: Counter[Reason] = Counter()
        self.increments = 0
        self.oldest = 0

    def pass_days(self, days: int, kinds: Sequence[str] = KINDS) -> None:
        """Lets days pass and syncs after each."""
        for _ in range(days):
            for event in self._syncs.box.live(seed=self._seed, kinds=list(kinds), **LIFE):
                if event["what"] in UNSEEN:
                    before = event["address"].removesuffix(CHANGED)
                    for table in STATES:
                        known = self._unseen.setdefault((table, event["list"]), set())
                        known |= {before, before + CHANGED}
            self._syncs.age(1)
            self.sync()

    def sync(self) -> None:
        """Syncs all tables and compares each."""
        for table in self._tables:
            found = self._syncs.sync(table)
            self.reasons += found.reasons
            self.increments += found.read.increments
            for parent in found.in_full:
                self._unseen.pop((table, parent), None)
            self._compare(table, found)
            self._count_requests(table, found)

    def _compare(self, table: str, found: Sync) -> None:
        stored, truth = self._syncs.stored(table), self._syncs.truth(table)
        for parent in {*stored, *truth}:
            there, should = stored.get(parent, Counter()), truth.get(parent, Counter())
            assert there.total() == should.total()
            if table not in STATES or parent in found.in_full:
                assert there == should
                continue
            # Keys and the times at which states began; names are edited without a trace.
            keys, right = ({row[:2] for row in rows} for rows in (there, should))
            assert {key for key, _ in keys ^ right} <= self._unseen.get((table, parent), set())

    def _count_requests(self, table: str, found: Sync) -> None:
        """Small requests for increments, and the pages of what is read in full."""
        pages = {
            parent: -(-rows // self._syncs.page_size) + 1
            for parent, rows in self._syncs.query(
                f"select parent, reported from sync_log_parents where table_name = '{table}'"
            )
        }
        small = fewest_requests(CATALOGUE[table]) + 1
        asked = found.read.increments + found.reasons[Reason.UNPROVED] + found.reasons[Reason.SMALL]
        full = sum(pages[parent] for parent in found.in_full)
        assert found.staged.requests <= small * asked + full


def watched(box: Sandbox, path: Path, tables: Sequence[str], seed: int) -> Watcher:
    watcher = Watcher(Syncs(box, path / "account.duckdb"), tables, seed)
    watcher.sync()
    return watcher


def swell(box: Sandbox) -> None:
    """Fills the states that hold but few, so that it is worth to read them incrementally."""
    for table in STATES[1:]:
        state = SUBSCRIBER_STATES[table]
        for list_id, rows in box.account(table)[table].items():
            more = [
                row | {"EmailAddress": f"{state}.{row['EmailAddress']}", "State": state}
                for row in people(240)
            ]
            box.mutate(table, list_id, [*rows, *more])


@pytest.mark.slow
def test_an_account_lives_for_some_days(tmp_path: Path) -> None:
    """Keys and states are right after each day, and all fields where a list was read in full."""
    with sandbox.start("--today", "2026-02-01", "--lists", "2", "--subscribers", "260") as box:
        watcher = watched(box, tmp_path, ("active_subscribers",), seed=1)
        watcher.pass_days(3)
        watcher.pass_days(2, kinds=("join", "leave", "bounce", "come_back", "edit"))
    assert watcher.increments > 0
    assert watcher.reasons[Reason.UNPROVED] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "tables", "days"),
    [
        (0, ("active_subscribers", "suppression_list"), 60),
        (1, STATES[1:3], 30),
        (2, REPORTS, 30),
    ],
    ids=["active and suppressed", "other states", "events"],
)
def test_an_account_lives_for_months(
    seed: int, tables: tuple[str, ...], days: int, tmp_path: Path
) -> None:
    """After a month or two of all kinds of events nothing is wrong but what can't be seen."""
    size = ("--lists", "2", "--subscribers", "260", "--campaigns", "4", "--seed", str(seed))
    with sandbox.start("--today", "2026-02-01", *size) as box:
        if tables == STATES[1:3]:
            swell(box)
        watcher = watched(box, tmp_path, tables, seed)
        watcher.pass_days(days)
    assert watcher.increments > watcher.reasons[Reason.UNPROVED]
    assert watcher.reasons[Reason.DUE] > 0
