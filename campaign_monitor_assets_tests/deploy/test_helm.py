"""The values for Dagster's chart: by the schema and templates where the chart is there, else by
Dagster's own reading of what the templates make of them.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._config import process_config
from dagster._core.instance.config import dagster_instance_config_schema
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import DagsterK8sJobConfig, construct_dagster_k8s_job
from dagster_k8s.models import k8s_snake_case_dict
from kubernetes import client

from campaign_monitor_assets_tests.deploy.files import DEPLOY, parsed, shipped

VALUES: dict[str, Any] = parsed("helm/values.yaml")
[LOCATION] = VALUES["dagster-user-deployments"]["deployments"]
LAUNCHER: dict[str, Any] = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
PODS = {
    "location": LOCATION,
    "webserver": VALUES["dagsterWebserver"],
    "daemon": VALUES["dagsterDaemon"],
}
CHART = os.environ.get("DAGSTER_HELM_CHART")
"""The folder of Dagster's chart, of the version that the values' first line names."""


def _launcher_settings() -> Any:
    return K8sRunLauncher.config_type()  # type: ignore[no-untyped-call]


def _run() -> dict[str, Any]:
    """The Kubernetes Job of a run, as the launcher makes it of what the chart hands on."""
    config = {
        "load_incluster_config": True,
        "job_namespace": "dagster",
        "image_pull_policy": LAUNCHER["imagePullPolicy"],
        "service_account_name": "dagster",
        "dagster_home": "/opt/dagster/dagster_home",
        "instance_config_map": "dagster-instance",
        "postgres_password_secret": VALUES["global"]["postgresqlSecretName"],
        "security_context": LAUNCHER["securityContext"],
        "run_k8s_config": {"pod_spec_config": LAUNCHER["runK8sConfig"]["podSpecConfig"]},
    }
    taken = process_config(_launcher_settings(), config)
    assert taken.success, taken.errors
    launcher = K8sContainerContext(
        image_pull_policy=LAUNCHER["imagePullPolicy"],
        security_context=LAUNCHER["securityContext"],
        run_k8s_config=K8sContainerContext.create_from_config(
            {"k8s": {"run_k8s_config": config["run_k8s_config"]}}
        ).run_k8s_config,
    )
    location = K8sContainerContext.create_from_config(
        {
            "k8s": {
                "env_secrets": [each["name"] for each in LOCATION["envSecrets"]],
                "volumes": LOCATION["volumes"],
                "volume_mounts": LOCATION["volumeMounts"],
                "resources": LOCATION["resources"],
            }
        }
    )
    job = construct_dagster_k8s_job(
        DagsterK8sJobConfig(
            job_image="an/image:1",
            dagster_home="/opt/dagster/dagster_home",
            postgres_password_secret=VALUES["global"]["postgresqlSecretName"],
        ),
        ["dagster", "api", "execute_run"],
        "run",
        user_defined_k8s_config=launcher.merge(location).run_k8s_config,
    )
    made: dict[str, Any] = job.to_dict()
    return made


def test_a_run_is_closed_and_has_all_that_it_needs() -> None:
    """Its container is no root's, read-only but for two volumes, and has Secrets and memory."""
    pod = _run()["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["security_context"]["run_as_non_root"]
    assert container["security_context"]["read_only_root_filesystem"]
    assert {each["mount_path"] for each in container["volume_mounts"]} >= {"/tmp", "/scratch"}
    assert [each["secret_ref"]["name"] for each in container["env_from"]] == ["campaign-monitor"]
    assert container["resources"]["limits"] == {"memory": "768Mi"}
    [password] = [each for each in container["env"] if each["name"] == "DAGSTER_PG_PASSWORD"]
    assert password["value_from"]["secret_key_ref"]["name"] == "campaign-monitor-postgresql"


@pytest.mark.parametrize("name", PODS)
def test_kubernetes_knows_each_setting(name: str) -> None:
    """Kubernetes' own models take what stands in the values: a word that they lack is an error."""
    pod = PODS[name]
    for key, model in {
        "podSecurityContext": client.V1PodSecurityContext,
        "securityContext": client.V1SecurityContext,
        "resources": client.V1ResourceRequirements,
    }.items():
        assert k8s_snake_case_dict(model, pod[key])
    for key, model in {"volumes": client.V1Volume, "volumeMounts": client.V1VolumeMount}.items():
        assert [k8s_snake_case_dict(model, each) for each in pod[key]]
    assert pod["securityContext"]["readOnlyRootFilesystem"]
    mounts = {each["mountPath"] for each in pod["volumeMounts"] if not each.get("readOnly")}
    assert mounts == {"/tmp", "/scratch"}
    assert {each["name"] for each in pod["volumes"]} == {
        each["name"] for each in pod["volumeMounts"]
    }


def test_the_instance_is_as_on_one_machine() -> None:
    """What the chart writes into dagster.yaml as it is, Dagster takes, and it is what we ship."""
    added = VALUES["additionalInstanceConfig"]
    schema = dagster_instance_config_schema()
    assert added.keys() <= schema.keys()
    for section, settings in added.items():
        assert process_config({section: schema[section]}, {section: settings}).success
        assert settings == shipped(section), section
    # The chart would write these three a second time.
    daemon = VALUES["dagsterDaemon"]
    for section in ("runCoordinator", "runMonitoring", "runRetries"):
        assert daemon[section] == {"enabled": False}


def test_no_password_is_made_or_written() -> None:
    """PostgreSQL's password is in a Secret that exists already; the chart makes none of a value."""
    assert VALUES["generatePostgresqlPasswordSecret"] is False
    assert "postgresqlPassword" not in VALUES["postgresql"]
    assert VALUES["postgresql"]["postgresqlScheme"] == "postgresql+psycopg2"


@pytest.mark.skipif(
    CHART is None or shutil.which("helm") is None,
    reason="DAGSTER_HELM_CHART names no folder of Dagster's chart, or Helm is not installed",
)
def test_the_chart_takes_the_values(tmp_path: Path) -> None:
    """Helm checks the values by the chart's schema, and its templates make what Dagster loads."""
    assert CHART is not None
    done = subprocess.run(
        ["helm", "template", "trial", CHART, "--values", str(DEPLOY / "helm" / "values.yaml")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    made = [each for each in yaml.safe_load_all(done.stdout) if each]
    [instance] = [each for each in made if "dagster.yaml" in each.get("data", {})]
    written = yaml.safe_load(instance["data"]["dagster.yaml"])
    for section in ("concurrency", "run_monitoring", "run_retries"):
        assert written[section] == shipped(section), section
    taken = process_config(_launcher_settings(), written["run_launcher"]["config"])
    assert taken.success, taken.errors
    for each in made:
        if each["kind"] == "Deployment":
            pod = each["spec"]["template"]["spec"]
            assert pod["securityContext"]["runAsNonRoot"], json.dumps(pod)
            assert all(
                container["securityContext"]["readOnlyRootFilesystem"]
                for container in [*pod["containers"], *pod.get("initContainers", ())]
            )
