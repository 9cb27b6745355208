"""How the report looks: one style sheet, in colours for light and for dark."""

from typing import Final

__all__ = ["DARK", "LIGHT", "LIGHT_STYLE", "STYLE"]

LIGHT: Final = {
    "paper": "#f6f7f9",
    "card": "#ffffff",
    "ink": "#1c2430",
    "muted": "#5b6675",
    "line": "#dde2e9",
    "c1": "#1d5fd1",
    "c2": "#b4540a",
    "c3": "#7a2ea0",
    "bad": "#b3261e",
    "bad-paper": "#fdecea",
    "warn": "#7a4b00",
    "warn-paper": "#fff4dc",
}
"""Colours on a light page: text has a contrast of 4.5 or more to what is behind it (WCAG 2.2, AA)."""

DARK: Final = {
    "paper": "#11151b",
    "card": "#1a2029",
    "ink": "#e6eaf0",
    "muted": "#9aa6b5",
    "line": "#323b48",
    "c1": "#74a9ff",
    "c2": "#ffab66",
    "c3": "#d59bf6",
    "bad": "#ff9a90",
    "bad-paper": "#3a1a1a",
    "warn": "#ffcf7d",
    "warn-paper": "#332708",
}
"""Colours on a dark page."""


def _variables(colours: dict[str, str]) -> str:
    return ":root{" + "".join(f"--{name}:{colour};" for name, colour in colours.items()) + "}"


_RULES: Final = """
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans","PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;overflow-wrap:anywhere}
main{max-width:74rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .25rem}
h2{font-size:1.2rem;margin:2.25rem 0 .75rem}
p{margin:.25rem 0}
.muted,figcaption,caption,dt{color:var(--muted)}
header .muted{max-width:60rem}
.notice{border-left:4px solid var(--muted);background:var(--card);padding:.6rem .9rem;margin:.75rem 0;
border-radius:.3rem}
.notice.bad{border-color:var(--bad);background:var(--bad-paper);color:var(--bad)}
.notice.warn{border-color:var(--warn);background:var(--warn-paper);color:var(--warn)}
.notice strong{display:block}
.notice ul{margin:.25rem 0 0;padding-left:1.2rem}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(15.5rem,1fr));gap:.75rem;margin:0;padding:0;list-style:none}
.cards li,figure,.table{background:var(--card);border:1px solid var(--line);border-radius:.5rem}
.cards li{padding:.8rem 1rem}
.cards h3{font-size:.9rem;font-weight:600;margin:0;color:var(--muted)}
h3::first-letter,thead th::first-letter,dt::first-letter{text-transform:uppercase}
.cards .value{font-size:1.9rem;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums}
.cards .interval{font-size:.9rem;font-variant-numeric:tabular-nums}
.cards .about{font-size:.85rem;color:var(--muted)}
.gauge{display:block;width:100%;height:10px;margin:.35rem 0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:.9rem}
figure{margin:0;padding:.8rem .9rem;min-width:0}
figcaption{font-size:.85rem;margin-top:.4rem}
figcaption strong{color:var(--ink)}
figure svg{display:block;width:100%;height:auto;max-width:31rem;margin:0 auto}
svg text{fill:var(--ink);font-size:13px}
svg .tick{fill:var(--muted)}
svg .grid,.gauge .grid{stroke:var(--line);stroke-width:1;fill:none}
svg .line{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}
svg .dashed{stroke-dasharray:5 5;stroke-width:1.7}
svg .span{stroke-width:2}
svg .band{fill-opacity:.16;stroke:none}
svg .pale{fill-opacity:.35}
svg .line.c1{stroke:var(--c1)}svg .fill.c1,svg .band.c1{fill:var(--c1)}
svg .line.c2{stroke:var(--c2)}svg .fill.c2,svg .band.c2{fill:var(--c2)}
svg .line.c3{stroke:var(--c3)}svg .fill.c3{fill:var(--c3)}
svg .line.muted{stroke:var(--muted)}svg .fill.muted{fill:var(--muted)}
.table{overflow-x:auto;margin:0 0 1rem}
.table:focus-visible{outline:2px solid var(--c1);outline-offset:2px}
table{border-collapse:collapse;overflow-wrap:normal;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.6rem .8rem;font-size:.85rem}
caption span{display:block;position:sticky;left:.8rem;max-width:calc(100vw - 4rem)}
th,td{padding:.35rem .8rem;text-align:right;border-top:1px solid var(--line);white-space:nowrap}
th:first-child{text-align:left;white-space:normal;min-width:7rem;max-width:22rem;position:sticky;left:0;
background:var(--card);overflow-wrap:break-word}
thead th{font-weight:600;color:var(--muted);white-space:normal;vertical-align:bottom}
tbody th{font-weight:500}
dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.2rem 1rem;margin:0;font-size:.9rem}
dd{margin:0}
dl+.table{margin-top:.75rem}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.85em}
footer{margin-top:2rem;font-size:.85rem;color:var(--muted)}
@media (max-width:480px){main{padding:1rem .75rem 2rem}h1{font-size:1.4rem}figure{padding:.6rem .5rem}
.wide caption span::after{content:" Scroll sideways for more."}
.cards{grid-template-columns:1fr 1fr;gap:.5rem}.cards li{padding:.6rem .7rem}.cards .value{font-size:1.5rem}
th:first-child{min-width:8.5rem;max-width:9rem}th,td{padding:.35rem .5rem}
dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}
@media print{body{background:#fff}figure,.cards li{break-inside:avoid}}
"""

STYLE: Final = _variables(LIGHT) + "@media (prefers-color-scheme:dark){" + _variables(DARK) + "}" + _RULES
"""The whole style sheet."""
LIGHT_STYLE: Final = _variables(LIGHT) + _RULES
"""The style sheet of an image that does not know what it will stand on."""
