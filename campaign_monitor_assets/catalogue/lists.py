"""Subscriber lists and their segments."""

from campaign_monitor_assets.catalogue.model import REFERENCE, Group, Shape, Table, text

LISTS = Table(
    name="lists",
    description="The subscriber lists of each client.",
    path="/clients/{ClientID}/lists",
    shape=Shape.ARRAY,
    parent="clients",
    inherits=("ClientID",),
    key=("ListID",),
    never_empty=True,
    docs=f"{REFERENCE}/clients/#getting-subscriber-lists",
    group=Group.LISTS,
    cost="1 per client",
    columns=(
        text("ListID", "The list's identifier."),
        text("Name", "The list's name."),
    ),
)

SEGMENTS = Table(
    name="segments",
    description="The segments that are defined on the lists.",
    # One request tells a client's segments of all lists; asking each list would cost more.
    path="/clients/{ClientID}/segments",
    shape=Shape.ARRAY,
    parent="lists",
    inherits=("ClientID",),
    key=("SegmentID",),
    docs=f"{REFERENCE}/clients/#getting-segments",
    group=Group.LISTS,
    cost="1 per client",
    columns=(
        text("SegmentID", "The segment's identifier."),
        text("ListID", "The list that the segment is of."),
        text("Title", "The segment's name."),
    ),
)

TABLES = (LISTS, SEGMENTS)
