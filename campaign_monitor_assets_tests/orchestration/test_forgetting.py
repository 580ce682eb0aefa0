"""The job that forgets people: whom, never stands in what Dagster keeps."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from campaign_monitor_assets.orchestration.attributes import WarehouseAttributes
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, checks, failures

PERSON = "bounced_subscribers"


def forget(project: Project, file: object) -> tuple[dg.ExecuteInProcessResult, str]:
    """Runs the job, and gives all that Dagster keeps of it as text."""
    copy = str(project.path.with_name("copy.duckdb"))
    component = CampaignMonitorComponent(
        tables=["clients", "lists", PERSON],
        warehouse=WarehouseAttributes(database=str(project.path), publish_copy=copy),
    )
    job = dg.build_defs_for_component(component).resolve_job_def("campaign_monitor_forget")
    config = {"ops": {"campaign_monitor_forget_op": {"config": {"address_file": str(file)}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(run_config=config, instance=instance, raise_on_error=False)
        kept: list[Any] = [*instance.all_logs(result.run_id), *instance.get_runs()]
        return result, "\n".join(dg.serialize_value(each) for each in kept)


def private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture
def synced(with_parents: Project) -> Project:
    assert with_parents.materialize(PERSON).success
    return with_parents


def test_people_of_a_file_are_forgotten(synced: Project, tmp_path: Path) -> None:
    """They leave the tables and the copy, the file is deleted, and Dagster keeps no address."""
    found = synced.query(f"select EmailAddress from {PERSON} order by 1 limit 2")
    first, second = (str(address) for (address,) in found)
    before = synced.count(PERSON)
    file = private(tmp_path / "whom.txt", f"\n{first.upper()}\n  {second}\n")
    result, kept = forget(synced, file)
    assert result.success, failures(result)
    assert not file.exists()
    assert "rows removed" in kept
    assert "the next sync brings the person back" in kept
    for path in (synced.path, tmp_path / "copy.duckdb"):
        stored = Project(synced.box, path)
        assert stored.count(PERSON) < before
        assert stored.query(
            f"select count(*) from {PERSON} where lower(EmailAddress) in (lower(?), lower(?))",
            first,
            second,
        ) == [(0,)]
    assert before - synced.count(PERSON) >= 2
    for address in (first, second):
        assert address.lower() not in kept.lower()
    found_now = checks(synced.check(PERSON), PERSON)
    assert found_now["row_count_matches_source"].passed


@pytest.mark.parametrize(
    ("name", "text", "mode", "said"),
    [
        ("missing.txt", None, 0o600, "can't be read"),
        ("open.txt", "a@unheard-of.example", 0o644, "chmod 600"),
        ("empty.txt", " \n", 0o600, "is empty"),
        ("many.txt", "a@unheard-of.example\n" * 10_001, 0o600, "it holds 10001. Allowed: 10000"),
        ("huge.txt", "a" * 4_000_001, 0o600, "it has 4000001 bytes. Allowed: 10000"),
        ("wrong.txt", "unheard-of", 0o600, "is not an e-mail address"),
        ("a@unheard-of.example", None, 0o600, "not an address"),
    ],
)
def test_a_file_that_does_not_do(
    box: Sandbox, tmp_path: Path, name: str, text: str | None, mode: int, said: str
) -> None:
    """The error says what is wrong with the file; the file stays, and nothing of it is told."""
    project = Project(box, tmp_path / "account.duckdb")
    assert project.materialize("clients").success
    file = tmp_path / name
    if text is not None:
        private(file, text).chmod(mode)
    result, _ = forget(project, file)
    [error] = failures(result).values()
    assert said in error
    assert "unheard-of" not in error
    assert file.exists() is (text is not None)
