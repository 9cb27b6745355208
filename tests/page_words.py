"""The words of a page, for tests of its language."""

import re
from html import unescape

__all__ = ["english_words"]

NAMES = {
    *("fraudsieve", "MLflow", "LightGBM", "model", "digest", "SHA", "UTC", "JSON", "IP", "QQ"),
    *("ROC", "AUC", "ECE", "PSI", "JS", "Brier"),
    *("cases", "members", "links", "hubs", "parquet", "show", "identifiers", "case"),
}
"""Names and abbreviations that are the same in Chinese, and names of files and options."""
CODE = re.compile(r"<code>.*?</code>|<style>.*?</style>|\b(?=[a-f]*\d)[0-9a-f]{16,64}\b", re.DOTALL)


def english_words(html: str) -> set[str]:
    """Return the English words in the texts, tooltips and labels of a page, other than names."""
    page = CODE.sub("", html.partition("<body>")[2]).replace("<wbr>", "")
    texts = [re.sub(r"<[^>]+>", "\n", page), *re.findall(r'(?:aria-label|title)="([^"]*)"', page)]
    return {*re.findall(r"[A-Za-z]{2,}", unescape("\n".join(texts)))} - NAMES
