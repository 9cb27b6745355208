"""Sentences and paragraphs of the documents are short."""

import pytest

from .blocks import TRANSLATIONS, documents
from .prose import Paragraph, count_words, paragraphs_of, plain, sentences_of

MAX_SENTENCE, MAX_PARAGRAPH = 24, 90
ENGLISH = [name for name in documents() if name not in ("README.zh-CN.md", "docs/results.md", *TRANSLATIONS)] + [
    "CONTRIBUTING.md",
    "SECURITY.md",
]


@pytest.mark.parametrize("document", ENGLISH)
def test_sentences_are_short(document: str) -> None:
    long = [
        f"{paragraph.place}: {count_words(sentence)} words: {sentence}"
        for paragraph in paragraphs_of(document)
        for sentence in sentences_of(paragraph.text)
        if count_words(sentence) > MAX_SENTENCE
    ]
    assert long == []


@pytest.mark.parametrize("document", ENGLISH)
def test_paragraphs_are_short(document: str) -> None:
    long = [f"{paragraph.place}: {paragraph.words}" for paragraph in paragraphs_of(document)]
    assert [place for place in long if int(place.rpartition(" ")[2]) > MAX_PARAGRAPH] == []


def test_most_of_a_document_is_measured() -> None:
    paragraphs = paragraphs_of("CONTRIBUTING.md")
    assert len(paragraphs) > 30
    assert sum(paragraph.words for paragraph in paragraphs) > 500


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two? Three!", 3),
        ("It takes .26 s, or 0.3 s. Then `fit` runs.", 2),
        ("It reads a file (a CSV.) `code` begins the next.", 2),
        ("It takes a table. fraudsieve reads it.", 2),
        ("At 1 %, e.g. here, it goes on.", 1),
    ],
)
def test_sentences_end_where_a_reader_stops(text: str, sentences: int) -> None:
    assert len(sentences_of(text)) == sentences


def test_code_is_one_word_and_a_link_is_its_words() -> None:
    assert plain("Run `fraudsieve train --tune 20m`, see [two words](https://example.org/a_b).") == (
        "Run `code`, see two words."
    )
    assert count_words("a — b 1,000 %") == 3
    assert Paragraph("README.md", 1, "a b c").words == 3
