"""Texts as contestants take them: tokens separated by spaces, or TF-IDF of characters."""

from collections.abc import Sequence

from sklearn.feature_extraction.text import TfidfVectorizer

__all__ = ["as_lines", "is_chinese", "tfidf_vectorizer"]


def is_chinese(texts: Sequence[str]) -> bool:
    """Return whether most letters of the texts are Chinese characters.

    Examples
    --------
    >>> is_chinese(["您的账户 expires"]), is_chinese(["your account 过期"])
    (False, False)
    >>> is_chinese(["您的账户已过期 URL"])
    True
    """
    letters = [char for text in texts for char in text if char.isalpha()]
    return sum("一" <= char <= "鿿" for char in letters) > len(letters) / 2


def as_lines(texts: Sequence[str], *, chinese: bool) -> list[str]:
    """Write each text as tokens on one line: characters (a space becomes ``_``) if Chinese, else lower-case words.

    Examples
    --------
    >>> as_lines(["贷款 URL"], chinese=True), as_lines(["Win\\nNOW"], chinese=False)
    (['贷 款 _ U R L'], ['win now'])
    """
    if chinese:
        return [" ".join("_" if char.isspace() or char == "\0" else char for char in text) for text in texts]
    return [" ".join(text.replace("\0", " ").lower().split()) for text in texts]


def tfidf_vectorizer(max_features: int = 100_000) -> TfidfVectorizer:
    """Return TF-IDF of the most frequent character 1-4-grams, not yet fitted."""
    return TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True, min_df=2, max_features=max_features)
