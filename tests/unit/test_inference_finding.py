"""Plug-ins are found, and a broken one is named."""

from importlib.metadata import EntryPoint, EntryPoints
from subprocess import run
from sys import executable

import pytest

from crowd_hitl.domain.errors import NotFound, Unusable
from crowd_hitl.plugins import finding


class Imposter:
    """Takes a name that is taken."""

    name = "pooled"


class Nameless:
    """Has no name."""


def offer(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    point = EntryPoint(name="theirs", value=value, group="crowd_hitl.aggregators")
    monkeypatch.setattr(finding, "select_points", lambda: EntryPoints([point]).select)


def test_a_groups_plugins_are_found_by_name() -> None:
    assert {"majority_vote", "dawid_skene", "pooled"} <= set(finding.find("aggregators"))


def test_an_unknown_group_is_said_to_be_unknown() -> None:
    with pytest.raises(NotFound, match="gadgets"):
        finding.find("gadgets")


def test_a_broken_plugin_of_another_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "no_such_package.module:plugin")

    with pytest.raises(Unusable, match=r"theirs.*no_such_package"):
        finding.find("aggregators")


def test_two_plugins_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "offered", lambda group: [("their package", Imposter())])

    with pytest.raises(Unusable, match=r"'pooled'.*their package"):
        finding.find("aggregators")


def test_a_plugin_without_a_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "offered", lambda group: [("their package", Nameless())])

    with pytest.raises(Unusable, match="their package"):
        finding.find("aggregators")


def test_finding_plugins_imports_nothing_heavy() -> None:
    groups = ["questions", "aggregators", "policies", "strategies", "learners", "certifiers"]
    code = f"""
import sys
from crowd_hitl.plugins.finding import find
for group in {groups}: find(group)
assert not set(sys.modules) & {{'crowdkit', 'sklearn', 'pandas', 'skops', 'PIL.Image'}}
"""
    assert run([executable, "-c", code], check=False).returncode == 0
