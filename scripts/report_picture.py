"""Take the picture of a report that the documentation shows: ``python scripts/report_picture.py`` (needs Chromium).

It runs the quickstart in a temporary folder, whose data are simulated, and writes the top of its report to
``docs/report.webp``.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from fraudsieve.training.first_run import quickstart

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "report.webp"
WIDTH, HEIGHT = 1000, 838
"""Pixels: down to the end of the first row of metrics."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def take_picture(page: Path, picture: Path) -> None:
    """Write the top of a page as a picture."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit(f"report_picture: expected one of {', '.join(BROWSERS)}, found none. Install Chromium.")
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}")
    subprocess.run([browser, *flags, f"--screenshot={picture}", page.as_uri()], check=True, capture_output=True)


def main() -> None:
    """Run the quickstart, and take the picture of its report."""
    with tempfile.TemporaryDirectory() as folder:
        quickstart(Path(folder) / "run")
        report = next(Path(folder).rglob("report.html"))
        take_picture(report, PICTURE)
    sys.stdout.write(f"{PICTURE.name}: {PICTURE.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
