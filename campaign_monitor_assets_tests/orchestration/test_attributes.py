"""What the component's YAML accepts, and how it says no."""

import json
import warnings
from typing import Any

import dagster as dg
import pytest
from pydantic import ValidationError

from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.extract.settings import ExtractSettings
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource
from campaign_monitor_assets.warehouse.privacy_settings import PrivacySettings
from campaign_monitor_assets.warehouse.settings import WarehouseSettings

RENAMED: dict[str, tuple[Any, str, str]] = {
    "api_key_variable": ("NORTH_KEY", "api", "api_key_variable"),
    "access_token_variable": ("NORTH_TOKEN", "api", "access_token_variable"),
    "refresh_token_variable": ("NORTH_REFRESH", "api", "refresh_token_variable"),
    "base_url_variable": ("NORTH_URL", "api", "base_url_variable"),
    "connections": (3, "api", "connections"),
    "requests_per_second": (1.5, "api", "requests_per_second"),
    "tries": (2, "api", "max_attempts"),
    "read_timeout": (7, "api", "read_timeout"),
    "page_size": (500, "extract", "page_size"),
    "rereads": (1, "extract", "consistency_retries"),
    "include_tracking_preference": (True, "extract", "include_tracking_preference"),
    "include_sms_preference": (True, "extract", "include_sms_preference"),
    "database": ("data/north.duckdb", "warehouse", "database"),
    "database_schema": ("north", "warehouse", "schema"),
    "analytics_schema": ("north_views", "warehouse", "analytics_schema"),
    "memory_limit": ("1GB", "warehouse", "memory_limit"),
    "lock_wait": (5, "warehouse", "lock_timeout"),
    "staging_directory": ("staging", "warehouse", "staging_directory"),
    "warn_drop_percent": (10, "warehouse", "warn_drop_percent"),
    "refuse_drop_percent": (20, "warehouse", "refuse_drop_percent"),
}
"""Each attribute of the flat YAML of version 0.1.0 with a value, and where it is now."""


def _component(attributes: Any) -> CampaignMonitorComponent:
    component: CampaignMonitorComponent = CampaignMonitorComponent.resolve_from_yaml(
        json.dumps(attributes)
    )
    return component


def test_every_setting_is_an_attribute_and_a_field_of_its_resource() -> None:
    """A setting that a layer declares is set in YAML, and arrives in what Dagster runs with."""
    for settings, block, resource in (
        (ApiSettings, "api", CampaignMonitorResource),
        (ExtractSettings, "extract", CampaignMonitorResource),
        (WarehouseSettings, "warehouse", WarehouseResource),
        (PrivacySettings, "privacy", None),
    ):
        inner = type(getattr(CampaignMonitorComponent(), block))
        assert inner.model_fields.keys() == settings.model_fields.keys()
        assert resource is None or settings.model_fields.keys() <= resource.model_fields.keys()


def test_nested_settings_reach_the_resources() -> None:
    """What YAML says below `api`, `extract` and `warehouse` is what a run works with."""
    component = _component(
        {
            "api": {"backoff": 0.1, "connect_timeout": 3},
            "extract": {"page_size": 20},
            "warehouse": {"threads": 2, "lock_timeout": 9},
        }
    )
    resources = dg.build_defs_for_component(component).resources or {}
    api, store = (
        resources["campaign_monitor_api"],
        resources["campaign_monitor_warehouse"],
    )
    assert (api.backoff, api.connect_timeout, api.page_size) == (0.1, 3, 20)
    assert (store.threads, store.lock_timeout) == (2, 9)


@pytest.mark.parametrize("old", RENAMED)
def test_a_flat_attribute_goes_on_working(old: str) -> None:
    """An attribute of earlier versions has its effect, and a warning names its new place."""
    value, block, name = RENAMED[old]
    with pytest.warns(FutureWarning, match=rf"{old} is deprecated.*`{block}: {{{name}: …}}`"):
        flat = _component({old: value})
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        nested = _component({block: {name: value}})
    assert flat == nested != CampaignMonitorComponent()


def test_flat_and_nested_attributes_together() -> None:
    """Old names beside new ones fill the same block; the same setting twice is refused."""
    with pytest.warns(FutureWarning):
        component = _component({"tries": 2, "page_size": 20, "api": {"connections": 3}})
    assert (component.api.max_attempts, component.api.connections) == (2, 3)
    assert component.extract.page_size == 20
    with pytest.raises(ConfigurationError, match=r"tries: it is given as `api: {max_attempts: …}`"):
        _component({"tries": 2, "api": {"max_attempts": 3}})


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"tabels": ["clients"]}, ["tabels at", "Did you mean `tables`?", "frequencies"]),
        ({"max_attempts": 3}, ["max_attempts at", "Did you mean `api: {max_attempts: …}`?"]),
        ({"api": {"tries": 3}}, ["api.tries at", "`api: {max_attempts: …}`", "connections"]),
        ({"api": {"page_size": 3}}, ["api.page_size at", "`extract: {page_size: …}`"]),
        ({"warehouse": {"shema": "x"}}, ["warehouse.shema at", "Did you mean `schema`?"]),
        ({"api": {"connections": 1000}}, ["api.connections at", "1000 ", "from 1 to 100"]),
        ({"connections": 1000}, ["connections at", "1000 ", "from 1 to 100"]),
        ({"tables": {"presets": "all"}}, ["tables.presets at", "Did you mean `preset`?"]),
    ],
)
def test_an_attribute_that_is_not_known_or_out_of_bounds(attributes: Any, said: list[str]) -> None:
    """The error names the attribute with its line, what is allowed, and what was perhaps meant."""
    with pytest.raises(ValidationError) as raised:
        _component(attributes)
    for part in said:
        assert part in str(raised.value)
    assert raised.value.error_count() == 1


def test_a_key_in_the_yaml_is_not_repeated() -> None:
    """Who writes the key itself into the YAML is told where it belongs, and not shown it."""
    with pytest.raises(ValidationError) as raised:
        _component({"api_key": "3a8d7f6e5c4b3a291827364554637281"})
    assert "api_key_variable" in str(raised.value)
    assert "3a8d7f" not in str(raised.value)


def test_an_empty_block_is_its_defaults() -> None:
    """A block of which every line is commented out is as if it weren't there."""
    assert _component({"api": None, "timezone": "UTC"}) == CampaignMonitorComponent()


def test_the_schema_describes_every_attribute() -> None:
    """Each attribute has a description, nested ones too; deprecated ones stand apart."""
    model = CampaignMonitorComponent.get_model_cls()
    assert model is not None
    schema = model.model_json_schema()
    [deprecated] = schema["allOf"]
    assert deprecated["properties"].keys() == RENAMED.keys()
    for name, entry in schema["properties"].items():
        shown = entry if name not in RENAMED else deprecated["properties"][name]
        assert shown["description"], name
        assert shown.get("deprecated", False) == (entry is True) == (name in RENAMED)
    blocks = {"ApiAttributesModel", "ExtractAttributesModel", "WarehouseAttributesModel"}
    assert blocks <= schema["$defs"].keys()
    for block in blocks:
        for name, entry in schema["$defs"][block]["properties"].items():
            assert entry["description"], name


def test_privacy_is_a_preset_or_attributes() -> None:
    """`privacy: pseudonymous` is short for a block with this preset; any other word is refused."""
    short = _component({"privacy": "pseudonymous"}).privacy
    assert short == _component({"privacy": {"preset": "pseudonymous"}}).privacy
    assert short.preset == "pseudonymous"
    assert _component({}).privacy.preset == "keep"
    said = {"preset": "pseudonymous", "columns": {"Name": "keep"}, "keep_custom_fields": ["Plan"]}
    assert _component({"privacy": said}).privacy.model_dump().items() >= said.items()
    with pytest.raises(ValidationError, match=r"'anonymous' .* Allowed: keep, pseudonymous\."):
        _component({"privacy": "anonymous"})
    with pytest.raises(ValidationError, match="Did you mean `preset`") as refused:
        _component({"privacy": {"presets": "keep"}})
    assert refused.value.error_count() == 1


def test_a_location_that_hashes_needs_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key that is long enough the definitions don't load, and no run can begin."""
    component = _component({"privacy": "pseudonymous"})
    monkeypatch.delenv("CAMPAIGN_MONITOR_HASH_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="CAMPAIGN_MONITOR_HASH_KEY is not set"):
        dg.build_defs_for_component(component)
    monkeypatch.setenv("CAMPAIGN_MONITOR_HASH_KEY", "short")
    with pytest.raises(ConfigurationError, match=r"has 5 characters\. Allowed: 32"):
        dg.build_defs_for_component(component)
    monkeypatch.setenv("CAMPAIGN_MONITOR_HASH_KEY", "k" * 32)
    found = dg.build_defs_for_component(component)
    assert "k" * 32 not in repr(found.resources)
