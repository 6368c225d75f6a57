"""The licence of a whole from its parts': what is passed on, what conflicts, what is unknown, and the reason that overrides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kielo.errors import UsageError
from kielo.sharing.licence_table import known_dataset, known_model, spdx, table, translator_conditions
from kielo.sharing.licences import LICENCE_FILE, Part, combined

LICENCES = table().licences


@pytest.mark.parametrize(
    ("licences", "whole"),
    [
        (["Apache-2.0"], "Apache-2.0"),
        (["MIT", "Apache-2.0"], "Apache-2.0"),
        (["Apache-2.0", "CC-BY-4.0"], "CC-BY-4.0"),
        (["CC-BY-4.0", "CC-BY-SA-4.0", "MIT"], "CC-BY-SA-4.0"),
        (["CC-BY-SA-3.0", "CC-BY-SA-4.0"], "CC-BY-SA-4.0"),
        (["CC-BY-SA-3.0"], "CC-BY-SA-3.0"),
        (["CC-BY-SA-4.0", "GPL-3.0"], "GPL-3.0"),
        (["Apache-2.0", "CC-BY-NC-4.0", "CC-BY-4.0"], "CC-BY-NC-4.0"),
        (["CC-BY-NC-SA-4.0", "CC-BY-NC-4.0", "MIT"], "CC-BY-NC-SA-4.0"),
        (["Apache-2.0 AND CC-BY-SA-4.0"], "CC-BY-SA-4.0"),
    ],
)
def test_the_licence_of_the_whole(licences, whole) -> None:
    for order in (licences, licences[::-1]):
        found = combined([Part(f"part {number}", licence) for number, licence in enumerate(order)])
        assert (found.name, found.metadata) == (whole, {"license": LICENCES[whole].hub})


@pytest.mark.parametrize(
    ("licences", "said"),
    [
        (["CC-BY-SA-4.0", "CC-BY-NC-4.0"], "licence conflict"),
        (["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"], "licence conflict"),
        (["CC-BY-SA-4.0", "ODbL-1.0"], "licence conflict"),
        (["CC-BY-ND-4.0"], "forbids to pass adaptations on"),
        ([None], "its licence is unknown; say it there"),
        (["Apache-2.0", "all mine"], "'all mine' is no licence"),
        (["CC-BY-SA-40"], "did you mean 'CC-BY-SA-4.0'"),
    ],
)
def test_what_has_no_licence_is_refused_unless_a_reason_is_given(licences, said) -> None:
    parts = [Part(f"part {number}", licence, (), "say it there.") for number, licence in enumerate(licences)]
    with pytest.raises(UsageError, match="Or publish with --allow-licence") as refusal:
        combined(parts)
    assert said in str(refusal.value)
    found = combined(parts, "its author said so")
    assert found.metadata == {"license": "other", "license_name": "not-settled", "license_link": LICENCE_FILE}
    assert "its author said so" in found.file_text()


def test_a_reason_that_is_not_needed_is_refused() -> None:
    with pytest.raises(UsageError, match="is settled"):
        combined([Part("rows", "MIT")], "because")


def test_conditions_are_told_beside_the_licence_and_stand_in_its_file() -> None:
    answers = Part("answers", None, ("gemma", "deepl"), needs_licence=False)
    found = combined([Part("rows", "apache 2.0", ("deepl",)), answers])
    assert found.name == "Apache-2.0 with DeepL's clause and the Gemma terms for outputs"
    assert found.metadata["license_name"] == "apache-2.0-with-deepl-gemma"
    assert found.file_text().count("DeepL's terms forbid") == 1


@pytest.mark.parametrize("written", ["apache-2.0", "Apache 2.0", "APACHE_2.0", "Apache License 2.0"])
def test_licences_are_known_by_any_usual_spelling(written) -> None:
    assert spdx(written) == "Apache-2.0"


def test_what_is_known_of_names() -> None:
    assert known_dataset("nvidia/HelpSteer2").conditions == ("sharegpt",)
    assert known_dataset("databricks/databricks-dolly-15k").licence == "CC-BY-SA-3.0"
    assert known_dataset("nobody/nothing").licence is None
    assert known_model("LumiOpen/Llama-Poro-2-8B-base").licence == "Llama-3.1"
    assert known_model("LumiOpen/Llama-Poro-2-8B-Instruct").licence == "Llama-3.3"
    assert known_model("gpt-4o-mini").conditions == ("openai",)
    assert translator_conditions("DeepL, reviewed") == ("deepl",)
    assert translator_conditions("deeplab") == ()


@given(st.lists(st.sampled_from(sorted(LICENCES)), min_size=1, max_size=4))
def test_no_part_is_given_away_more_freely_than_it_came(licences) -> None:
    try:
        whole = combined([Part(f"part {number}", each) for number, each in enumerate(licences)]).name
    except UsageError:
        assert len(set(licences)) > 1 or not LICENCES[licences[0]].adapt, "one licence alone conflicts with nothing"
        return
    for each in licences:
        assert LICENCES[each].adapt
        assert LICENCES[each].commercial or not LICENCES[whole].commercial
        assert not LICENCES[each].share_alike or whole == each or whole in LICENCES[each].into
