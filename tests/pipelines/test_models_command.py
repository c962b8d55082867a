import json
from importlib import import_module

import pytest

from labformer.domains.forecasting.published.measure import MODELS
from labformer.domains.forecasting.registry import LOAD_MODELS
from labformer.domains.nilm import registry as nilm_registry
from labformer.domains.potentials import registry as potentials_registry
from labformer.domains.symbolic.registry import METHODS
from labformer.pipelines.command import main
from labformer.pipelines.models_command import systems
from labformer.pipelines.verbs import PIPELINES

REGISTRIES = {
    "forecasting": (LOAD_MODELS, MODELS),
    "nilm": (nilm_registry.MODELS,),
    "potentials": (potentials_registry.MODELS,),
    "symbolic": (METHODS,),
}
FIELDS = ["name", "domain", "pipeline", "paper", "state", "note"]


def test_the_list_as_json_is_a_list_of_objects_with_these_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    said = capsys.readouterr()
    listed = json.loads(said.out)
    assert said.err == ""
    assert isinstance(listed, list)
    assert [list(one) for one in listed] == [FIELDS] * len(listed)
    assert all(isinstance(value, str) for one in listed for value in one.values())
    assert {"nlinear-ridge", "dlinear", "hourly-boosting", "itransformer"} <= {one["name"] for one in listed}


def test_the_list_for_people_has_one_line_a_system(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    header, _, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == FIELDS
    assert [line.split()[0] for line in lines] == [one["name"] for one in systems()]


def test_a_system_is_listed_once_in_words_a_person_can_type() -> None:
    names = [one["name"] for one in systems()]
    assert len(set(names)) == len(names)
    for one in systems():
        assert one["name"] == one["name"].lower().replace("_", "-").replace(" ", "-")
        assert one["paper"]
        assert one["state"] in ("works", "partly", "planned")


def test_what_is_listed_is_where_it_says() -> None:
    for one in systems():
        assert import_module(f"labformer.domains.{one['domain']}")
        assert one["pipeline"] in PIPELINES
        assert any(one["name"] in registry for registry in REGISTRIES[one["domain"]])
