"""The metrics as Prometheus reads them; in the example for this machine alone."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import path

from tests.conftest import AUTH_TOKEN, outcome
from tests.lying_wechat import NAME, NUMBER, LyingWeChat, refuses
from tests.processes import ROOT, run

pytest.importorskip("prometheus_client", reason="the extra [prometheus] is not installed")

from prometheus_client.parser import text_string_to_metric_families

from wx_realname import prometheus

pytestmark = pytest.mark.django_db
urlpatterns = [path("metrics", prometheus.metrics)]

PLANTED = (AUTH_TOKEN, NAME, NUMBER, "citizen")  # none is in a metric
Samples = dict[tuple[str, tuple[str, ...]], float]


def samples(text: str) -> Samples:
    """Ours, by name and the values of their labels."""
    families = text_string_to_metric_families(text)
    return {
        (each.name, tuple(sorted(each.labels.values()))): each.value
        for family in families
        for each in family.samples
        if each.name.startswith("wx_realname_")
    }


@pytest.mark.urls(__name__)
def test_a_scrape_counts_what_happened_and_names_nobody(
    client: Client, user: Any, liar: LyingWeChat
) -> None:
    def scraped() -> Samples:
        answer = client.get("/metrics")
        assert answer["Content-Type"].startswith("text/plain")
        assert answer["Cache-Control"] == "no-store"
        return samples(answer.content.decode())

    before = scraped()
    outcome(user)
    liar.play(refuses(94004))
    outcome(user, "another-token")
    outcome(user, merchant=NAME)
    after = scraped()
    assert not [key for key in after for planted in PLANTED if planted in repr(key)]

    def more(name: str, *labels: str) -> float:
        key = (name, tuple(sorted(labels)))
        return after[key] - before.get(key, 0)

    attempts, seconds = "wx_realname_attempts_total", "wx_realname_wechat_seconds_count"
    assert more(attempts, "default", "authorize", "verified", "") == 1
    assert more(attempts, "default", "authorize", "rejected", "no_real_name") == 1
    assert (more(seconds, "getrealnameinfo"), more(seconds, "stable_token")) == (2, 1)
    assert more("wx_realname_access_token_refreshes_total", "false") == 1
    assert more("wx_realname_access_token_cache_misses_total") > 0


SEVERAL = """
import django
from django.conf import settings
settings.configure()
django.setup()
from wx_realname import prometheus
prometheus.signals.attempt_ended.send_robust(sender=None,
    merchant="default", method="check", status="verified", error_code="", seconds=1)
print(prometheus.metrics(None).content.decode())
"""


def test_several_processes_are_counted_together(tmp_path: Path) -> None:
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    for number in (1, 2):
        counted = samples(run(sys.executable, "-c", SEVERAL, env=environment))
        labels = tuple(sorted(("default", "check", "verified", "")))
        assert counted["wx_realname_attempts_total", labels] == number


# --- the example site -------------------------------------------------------------------------


@pytest.fixture
def example(settings: Any) -> Callable[..., Client]:
    """A client of a URLconf that is made as the example's is."""

    def made(metrics: bool) -> Client:
        settings.METRICS = metrics
        settings.ROOT_URLCONF = type("URLs", (), {"urlpatterns": _example_patterns()})
        return Client()

    return made


def _example_patterns() -> list[Any]:
    return importlib.import_module("example_project.metrics").urlpatterns()


def test_by_default_the_example_has_no_metrics(example: Callable[..., Client]) -> None:
    assert example(metrics=False).get("/metrics").status_code == 404


@pytest.mark.parametrize(
    ("meta", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "10.0.0.7"}, 404),
        ({"REMOTE_ADDR": ""}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=10.0.0.7"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REAL_IP": "10.0.0.7"}, 404),
    ],
)
def test_the_example_shows_them_to_its_own_machine_alone(
    example: Callable[..., Client], meta: dict[str, str], status: int
) -> None:
    answer = example(metrics=True).get("/metrics", **meta)  # type: ignore[arg-type]
    assert answer.status_code == status
    assert bool(re.search(b"wx_realname_", answer.content)) == (status == 200)


def test_metrics_without_their_library_are_an_error_that_says_so(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.METRICS = True
    monkeypatch.setitem(sys.modules, "wx_realname.prometheus", None)
    with pytest.raises(ImproperlyConfigured, match="pip install prometheus_client"):
        _example_patterns()
