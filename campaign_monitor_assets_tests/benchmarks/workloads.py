"""What is measured: accounts of several sizes, over a slow, a fast or a limited network."""

from dataclasses import dataclass, replace

from campaign_monitor_assets_tests.benchmarks.readers import (
    DLT_ELEVEN,
    ELEVEN,
    EMPTY,
    EVERYTHING,
    OURS,
    PEERS,
    UNCHECKED,
    Reader,
)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """An account, the network before it, and who reads it.

    Attributes:
        part: What it is measured for.
        lists: Subscriber lists.
        subscribers: Active subscribers of each list.
        clients: Clients, among whom the lists are spread.
        latency: Seconds before each answer.
        rate: Requests a second that are let through; 0: any number.
        reticent: Whether only refusals tell of that limit.
        readers: Who reads it.
        repeats: How often at the most.
    """

    part: str
    lists: int
    subscribers: int
    clients: int = 1
    latency: float = 0
    rate: int = 0
    reticent: bool = False
    readers: tuple[Reader, ...] = (EMPTY, OURS)
    repeats: int = 1

    @property
    def rows(self) -> int:
        """The subscribers of all lists."""
        return self.lists * self.subscribers

    @property
    def options(self) -> tuple[str, ...]:
        """The sandbox's command line."""
        bulk = ("--bulk", f"{self.lists}x{self.subscribers}x{self.clients}")
        limit = ("--rate", str(self.rate), *(["--reticent"] if self.reticent else []))
        return (*bulk, "--latency", str(self.latency), *limit)

    def limited(self, rows: int) -> "Workload":
        """The same with fewer subscribers, and then fewer lists, so that it has so many rows."""
        lists = min(self.lists, rows)
        return replace(
            self,
            lists=lists,
            subscribers=min(self.subscribers, rows // lists),
            clients=min(self.clients, lists),
        )


_ALL = (EMPTY, OURS, UNCHECKED, *PEERS)
_WHOLE = (EMPTY, ELEVEN, EVERYTHING)

PARTS = {
    "W1": "200 lists × 1,000 subscribers, 100 ms an answer",
    "W2": "2 lists × 150,000 subscribers, 100 ms an answer",
    "W3": "10 lists × 100,000 subscribers, no latency",
    "rows": "From 10,000 to 5,000,000 subscribers on 10 lists, no latency",
    "lists": "From 10 to 5,000 lists × 100 subscribers, no latency",
    "none": "All eleven tables of an account without rows, no latency",
    "many": "All eleven tables, 200 lists × 1,000 subscribers, 100 ms an answer",
    "large": "All eleven tables, 2 lists × 150,000 subscribers, 100 ms an answer",
    "agency": "All eleven tables, 500 clients with 5 lists × 50 subscribers, 100 ms an answer",
    "polite": "5 requests a second let through, and each answer tells how many are left",
    "reticent": "5 requests a second let through, told of by nothing but refusals",
}
WORKLOADS = (
    Workload(part="W1", lists=200, subscribers=1000, latency=0.1, readers=_ALL, repeats=5),
    Workload(part="W2", lists=2, subscribers=150_000, latency=0.1, readers=_ALL, repeats=5),
    Workload(part="W3", lists=10, subscribers=100_000, readers=_ALL, repeats=3),
    *(
        Workload(part="rows", lists=10, subscribers=subscribers, readers=(OURS,), repeats=repeats)
        for subscribers, repeats in ((1000, 3), (10_000, 3), (100_000, 3), (500_000, 1))
    ),
    *(
        Workload(part="lists", lists=lists, subscribers=100, readers=(OURS,), repeats=repeats)
        for lists, repeats in ((10, 3), (100, 3), (1000, 3), (5000, 1))
    ),
    Workload(part="none", lists=1, subscribers=0, readers=_WHOLE, repeats=5),
    Workload(
        part="many",
        lists=200,
        subscribers=1000,
        latency=0.1,
        readers=(*_WHOLE, DLT_ELEVEN),
        repeats=5,
    ),
    Workload(
        part="large",
        lists=2,
        subscribers=150_000,
        latency=0.1,
        readers=(EMPTY, ELEVEN),
        repeats=5,
    ),
    Workload(
        part="agency",
        lists=2500,
        subscribers=50,
        clients=500,
        latency=0.1,
        readers=(EMPTY, ELEVEN),
    ),
    Workload(part="polite", lists=200, subscribers=1000, rate=5, readers=(OURS,)),
    Workload(
        part="reticent",
        lists=200,
        subscribers=1000,
        rate=5,
        reticent=True,
        readers=(OURS,),
        repeats=3,
    ),
)
