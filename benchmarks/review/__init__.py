"""What reviews are worth: alerts alone, with audits, and with records just below the threshold."""
