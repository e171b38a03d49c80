"""The series of single services, against Prometheus' own reader."""

from prometheus_client.parser import text_string_to_metric_families

from ocr_operator.models.service import Key
from ocr_operator.runtime.metrics import Metrics
from ocr_operator.runtime.resources import Resources

KEYS = tuple(Key("shop", name) for name in ("a", "b", "c"))


def test_series_of_a_family_stand_together_under_its_head() -> None:
    metrics = Metrics(version="1", kopf_version="2")
    for key in KEYS:
        metrics.found(key, 2, 1)
    families = {each.name: each for each in text_string_to_metric_families(metrics.expose().decode())}
    for family, value in (("generation", 2), ("observed_generation", 1)):
        samples = families[f"ocr_operator_resource_{family}"].samples
        assert [(each.labels["name"], each.value) for each in samples] == [(key.name, value) for key in KEYS]
    # What stands after them is there as before.
    assert families["ocr_operator_leader"].samples


def test_any_text_in_a_label_comes_out_as_it_was() -> None:
    resources = Resources({"info": ("model",)})
    resources.show(KEYS[0], info={('back\\slash "quote"\nline',): 1})
    text = resources.insert("# TYPE ocr_operator_resource_info gauge\n")
    ((sample,),) = (family.samples for family in text_string_to_metric_families(text))
    assert sample.labels["model"] == 'back\\slash "quote"\nline'


def test_a_family_that_is_shown_empty_is_gone_and_others_stay() -> None:
    resources = Resources({"info": ("model",), "weight": ()})
    resources.show(KEYS[0], info={("m",): 1}, weight={(): 10})
    resources.show(KEYS[0], weight={})
    text = resources.insert(
        "# TYPE ocr_operator_resource_info gauge\n# TYPE ocr_operator_resource_weight gauge\n"
    )
    assert "weight{" not in text
    assert "info{" in text
    assert resources.known() == (KEYS[0],)
