"""The simulated texts: both languages, campaigns, templates and obfuscation."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from fraudsieve.tables.cells import STRING
from fraudsieve.training.simulation.messages import KINDS, apply_obfuscations
from fraudsieve.training.simulation.text import CRIMES, FRAUD, NOTICES, PERSONAL, PHRASES, fill_template
from fraudsieve.training.simulation.world import World, simulate
from tests.training.simulation.worlds import WELL_LABELLED, labelled_messages

HAN = re.compile("[一-鿿]")
ODD = "[\u200b\u200c\u200d\u2060\ufeff\u0370-\u03ff\u0400-\u04ff０-９⓪①-⑨]"


@pytest.mark.parametrize("crime", [*CRIMES, "legitimate"])
def test_every_type_is_written_in_both_languages(labelled: pd.DataFrame, crime: str) -> None:
    chinese = labelled.loc[labelled["label"] == crime, "text"].str.contains(HAN.pattern)
    assert chinese.any()
    assert not chinese.all()


@pytest.mark.parametrize("crime", CRIMES)
def test_every_type_is_written_in_both_languages_in_the_smallest_world(crime: str) -> None:
    small = simulate(days=7, messages_per_day=23.0, fraud_share=0.1, **WELL_LABELLED)
    texts = labelled_messages(small)
    chinese = texts.loc[texts["label"] == crime, "text"].str.contains(HAN.pattern)
    assert sorted(chinese) == [False, True]


@pytest.mark.slow
def test_fraud_comes_in_campaigns_from_several_accounts(fraud_messages: pd.DataFrame) -> None:
    """Nearly every campaign has its own link, which no obfuscation changes."""
    campaigns = fraud_messages.groupby(fraud_messages["text"].str.extract(r"(\w+-\w+\.example/\d+)", expand=False))
    size, senders = campaigns.size(), campaigns["account_id"].nunique()
    spread = campaigns["sent_at"].max() - campaigns["sent_at"].min()
    assert (size >= 8).sum() > 20
    assert (senders[size >= 8] > 1).all()
    assert (spread < pd.Timedelta(days=4)).mean() > 0.98
    assert (campaigns["recipient_id"].nunique() > 0.9 * size).mean() > 0.9


@pytest.mark.slow
def test_new_templates_appear(fraud_messages: pd.DataFrame) -> None:
    """Many templates are first used late, although each would occur early if it were in use."""
    template = pd.concat([used_templates(rows, str(crime)) for crime, rows in fraud_messages.groupby("label")])
    first_seen = fraud_messages["progress"].loc[template.index].groupby(template).min()
    assert len(first_seen) > 0.9 * sum(len(crime["zh"] + crime["en"]) for crime in FRAUD.values())
    assert 0.2 < (first_seen > 0.5).mean() < 0.4


def used_templates(rows: pd.DataFrame, crime: str) -> pd.Series[str]:
    """Find the template of every message that is not obfuscated."""
    patterns = {
        template: ".+?".join(map(re.escape, re.split(r"{\w+}", template)))
        for template in FRAUD[crime]["zh"] + FRAUD[crime]["en"]
    }
    matches = {template: rows["text"].str.contains(pattern) for template, pattern in patterns.items()}
    return pd.DataFrame(matches).loc[lambda hits: hits.any(axis=1)].idxmax(axis=1).astype(STRING)


def test_obfuscation_spreads_and_grows_stronger(fraud_messages: pd.DataFrame, labelled: pd.DataFrame) -> None:
    odd = fraud_messages["text"].str.count(ODD)
    early, late = odd[fraud_messages["progress"] < 0.25], odd[fraud_messages["progress"] >= 0.75]
    assert 0.02 < (early > 0).mean() < 0.13
    assert 0.25 < (late > 0).mean() < 0.5
    assert late[late > 0].mean() > 2.2 * early[early > 0].mean()
    legitimate = labelled.loc[labelled["label"] == "legitimate", "text"]
    assert 0 < legitimate.str.contains(ODD).mean() < 0.03


@pytest.mark.parametrize("language", ["zh", "en"])
def test_templates_are_numerous_distinct_and_fillable(language: str) -> None:
    rng = np.random.default_rng(0)
    fraud = [FRAUD[crime][language] for crime in CRIMES]
    legitimate = NOTICES[language] + PERSONAL[language]
    assert min(len(templates) for templates in fraud) >= 12
    assert len(legitimate) >= 60
    everything = [template for templates in fraud for template in templates] + list(legitimate)
    assert len(set(everything)) == len(everything)
    for template in everything:
        assert "{" not in fill_template(template, rng=rng, language=language)
        assert bool(HAN.search(template)) == (language == "zh")


def test_contacts_are_fictional(world: World) -> None:
    text = world.messages["text"].str.cat(sep="\n")
    assert set(re.findall(r"https?://\S*?(\.[a-z]+)(?=[/\s])", text)) == {".example"}
    assert "www." in text
    assert not re.search(r"(?<!\d)1[3-9]\d{9}(?!\d)", text)


@pytest.mark.parametrize(("language", "kind"), [(lang, kind) for lang in KINDS for kind in KINDS[lang]])
def test_each_obfuscation_changes_text_but_no_link(language: str, kind: str) -> None:
    plain = {"en": "Call 555-0123 to have a place: ", "zh": "您的VIP账户冻结，加微联系1000000123："}[language]
    link = "https://s.example/ka123"
    changed = apply_obfuscations(plain + link, rng=np.random.default_rng(0), language=language, kinds=[kind], rate=0.5)
    assert changed.endswith(link)
    assert not changed.startswith(plain)


def test_types_share_phrases_across_campaigns(labelled: pd.DataFrame) -> None:
    for crime, by_language in PHRASES.items():
        messages = labelled[labelled["label"] == crime]
        used = [messages["text"].str.contains(phrase.strip(" .，"), regex=False) for phrase in by_language["zh"]]
        assert sum(rows.any() for rows in used) >= 3, crime


def test_no_phrase_belongs_to_two_types() -> None:
    phrases = [phrase for by_language in PHRASES.values() for texts in by_language.values() for phrase in texts]
    assert len(phrases) == len({*phrases}) == 2 * 5 * len(CRIMES)
