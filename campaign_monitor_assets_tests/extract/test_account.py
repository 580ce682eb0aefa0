"""Clients as people name them: commas, blanks, umlauts of two kinds, capitals, no name at all."""

import unicodedata

import pytest

from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.extract.account import wanted_client_ids
from campaign_monitor_assets_tests.project import Project, failures

A, B, C, D = (letter * 32 for letter in "abcd")
CLIENTS: list[dict[str, str | None]] = [
    {"ClientID": A, "Name": "Meyer, Sons & Co"},
    {"ClientID": B, "Name": unicodedata.normalize("NFD", " Ärzte  & Söhne ")},
    {"ClientID": C, "Name": None},
    {"ClientID": D, "Name": "Meyer"},
]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["Meyer, Sons & Co"], {A}),
        (['"Meyer', ' Sons & Co"', B], {A, B}),
        (["Ärzte & Söhne"], {B}),
        ([unicodedata.normalize("NFD", "Ärzte & Söhne")], {B}),
        ([f" {C.upper()} ", " Meyer"], {C, D}),
        ([], {A, B, C, D}),
    ],
)
def test_clients_as_people_name_them(given: list[str], found: set[str]) -> None:
    """Each way to write a client finds that one, in a YAML list and split at commas alike."""
    assert wanted_client_ids(given, CLIENTS) == found


def test_a_comma_that_nobody_quoted() -> None:
    """Pieces that are no client are tried together with what follows them."""
    assert wanted_client_ids(["Meyer", " Sons & Co"], [CLIENTS[0]]) == {A}


@pytest.mark.parametrize("given", [["Nobody"], [""], ["None"]])
def test_a_client_that_is_none(given: list[str]) -> None:
    """It is an error that lists those that fit, the one without a name too."""
    with pytest.raises(ConfigurationError, match="no name"):
        wanted_client_ids(given, CLIENTS)


@pytest.mark.parametrize(
    ("key", "refused"),
    [("key-5e9cb1d0a7f24c66", True), ("f1e2d3c4b5a6" * 7 + "+/==", True), ("0f1e" * 8, False)],
)
def test_a_key_in_the_place_of_a_client(
    project: Project,
    capfd: pytest.CaptureFixture[str],
    key: str,
    refused: bool,  # noqa: FBT001
) -> None:
    """Who writes a key where a client belongs does not find it in any log or error."""
    if refused:
        rule = {"what": "error", "status": 403, "code": 403, "path": r"^/clients\.json"}
        project.box.faults([rule | {"times": None}])
    result = project.materialize("clients", "lists", clients=[key])
    [said] = failures(result).values()
    assert f"The client a text of {len(key)} characters" in said
    assert key not in said + "".join(capfd.readouterr())


def test_a_client_without_a_name(project: Project) -> None:
    """It is read as any other, by a limited account as well."""
    box = project.box
    [first, *others] = box.account("clients")["clients"]
    box.mutate("clients", "", [{"ClientID": first["ClientID"], "Name": None}, *others])
    wanted = [first["ClientID"].upper()]
    result = project.materialize("clients", "lists", clients=wanted)
    assert result.success, failures(result)
    assert project.query("select distinct ClientID from lists") == [(first["ClientID"],)]
