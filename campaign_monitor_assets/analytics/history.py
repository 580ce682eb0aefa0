"""What became of subscribers over time, where the history of the tables of states is kept.

Times are in UTC and those of snapshots: a change is seen at the first sync after it, and what
changed twice between two syncs is seen once.
"""

from campaign_monitor_assets.analytics.campaigns import CLIENT
from campaign_monitor_assets.analytics.model import View
from campaign_monitor_assets.analytics.subscribers import ADDRESS, LIST, STATES
from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.catalogue.model import count, flag, text, time

_OPTIONAL = ("unconfirmed_subscribers", "deleted_subscribers")
_STATE_NAMES = ("Active", "Unsubscribed", "Bounced", "Unconfirmed", "Deleted")

SUBSCRIBER_STATE_PERIODS = View(
    name="subscriber_state_periods",
    description="Who was in which state on a list from when to when, one row per list, address and"
    " uninterrupted time in a state. At any time an address is in one state of a list at the most.",
    needs=(),
    history=STATES,
    optional_history=_OPTIONAL,
    columns=(
        text("ClientID", "The client's identifier.", personal=False),
        text("ListID", "The list's identifier.", personal=False),
        ADDRESS,
        text("State", "The state on the list.", personal=False),
        time("Since", "The UTC time of the snapshot that first showed it."),
        time("Until", "The UTC time of the snapshot that no longer showed it; NULL: it is so now."),
        text(
            "StateBefore",
            "The state that it was in last before Since; NULL: none that is known.",
            personal=False,
        ),
        time("UntilBefore", "When that state ended: at Since, or earlier where it was in none."),
        time("SinceAfter", "When the next period begins; NULL: there is none."),
        flag("SinceBefore", "Whether it was so when the history began, and so perhaps for long."),
    ),
)

SUBSCRIBER_STATE_CHANGES = View(
    name="subscriber_state_changes",
    description="Who moved from which state to which on a list, and when, one row per change. Who"
    " moves is one row, also where the tables of the two states were read at different times."
    " Those who were there when the history began have not joined then. With `history_days`, older"
    " changes are forgotten, and who only changed may then seem to have come.",
    needs=("clients", "lists", "subscriber_state_periods"),
    columns=(
        *CLIENT,
        *LIST,
        ADDRESS,
        time("ChangedAt", "The UTC time of the snapshot that first showed it."),
        text("FromState", "The state before; NULL for who came to the list.", personal=False),
        text(
            "ToState",
            "The state after; NULL for who is in no table any more, as after being deleted. Where"
            " the tables of the other states have not been read since, it may yet be a move.",
            personal=False,
        ),
    ),
    shows={
        "changes": 'select FromState as "from", ToState as "to", count(*) as "subscribers",'
        ' max(ChangedAt) as "last" from {subscriber_state_changes} group by all'
        " order by count(*) desc limit 30"
    },
)

LIST_SIZE_BY_DAY = View(
    name="list_size_by_day",
    description="How many were on each list in each state at the end of each day (UTC), from the"
    " first snapshot of the list's history to the last sync, days without one included.",
    needs=("clients", "lists", "subscriber_state_periods"),
    # For the log of snapshots, which says how far the history reaches.
    history=STATES,
    columns=(
        *CLIENT,
        *LIST,
        Column("Day", "DATE", "The day, in UTC.", personal=False),
        *(count(state, f"How many were in the state {state}.") for state in _STATE_NAMES),
    ),
    shows={
        "sizes": 'select Day as "day", sum(Active) as "active", sum(Unsubscribed) as "left",'
        ' sum(Bounced) as "bounced" from {list_size_by_day} group by Day order by Day desc limit 36'
    },
)

SUBSCRIBER_FIELD_CHANGES = View(
    name="subscriber_field_changes",
    description="What changed in a subscriber's fields, one row per change of a field: name, mobile"
    " number, consents, e-mail program and custom fields, from one version to the next, whatever"
    " the state.",
    needs=("lists",),
    history=STATES,
    optional_history=_OPTIONAL,
    columns=(
        text("ClientID", "The client's identifier.", personal=False),
        *LIST,
        ADDRESS,
        time("ChangedAt", "The UTC time of the snapshot that first showed the new value."),
        text("Field", "The field; a custom field's by its key.", personal=False),
        text("OldValue", "The value before, several with commas; NULL: none.", personal=True),
        text("NewValue", "The value after, several with commas; NULL: none.", personal=True),
    ),
    shows={
        "fields": 'select Field as "field", count(*) as "changes", max(ChangedAt) as "last"'
        " from {subscriber_field_changes} group by all order by count(*) desc, Field limit 30"
    },
)

VIEWS = (
    SUBSCRIBER_STATE_PERIODS,
    SUBSCRIBER_STATE_CHANGES,
    LIST_SIZE_BY_DAY,
    SUBSCRIBER_FIELD_CHANGES,
)
