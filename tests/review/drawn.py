"""Draws for tests of the page."""

import pandas as pd

__all__ = ["EVIL", "drawn"]

EVIL = '"><img src=x onerror=alert(1)><script>alert(1)</script><a href="https://example.org" onclick=alert(1)>x</a>'


def drawn(n: int) -> pd.DataFrame:
    """Return a draw of alerts, which have cases, and audited records in turn."""
    rows = [
        {
            "subject_id": f"m{k}",
            "subject": "message",
            "why_drawn": ("alert", "audit")[k % 2],
            "inclusion_probability": (1.0, 0.1 / 3)[k % 2],
            "recall_can_be_estimated": True,
            "day": "2026-05-01",
            "probability": (0.975, 0.025)[k % 2],
            "decision": ("flag", "pass")[k % 2],
            "predicted": ("fraud", "legitimate")[k % 2],
            "unlike_training": 0.5,
            "case_id": (f"c{1 + k // 20}", None)[k % 2],
            "account_id": "ann",
            "time": pd.Timestamp("2026-05-01 09:00", tz="UTC") + pd.Timedelta(minutes=k),
            "model_digest": "5f" * 32,
            "text": f"text {k}\nof a message",
            "channel": "sms",
            "reason_1_sentence": "It has a link.",
        }
        for k in range(n)
    ]
    return pd.DataFrame(rows)
