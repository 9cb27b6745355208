"""The loop: a service that scores and records, late labels, retrainings and promotions, over simulated months."""
