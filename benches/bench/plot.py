"""A run as a picture: bars of the first figure of each work, each on its own scale."""

from .bars import label
from .table import number
from .work import NAMES

COLOURS = {
    "ours": "#1b6ca8", "go_ours": "#7fb2d9", "curl_easy": "#b0b0b0", "curl_multi": "#b0b0b0",
    "go": "#6fb98f", "plain": "#d9a05b",
}
# Those that a reader looks for first; the rest is in the tables.
SHOWN = [
    "unary", "unary, 256 KB request", "unary, 20 MB request",
    "stream, a chunk per event", "stream, 16 KB chunks", "time to the first line", "1000 idle streams",
    "1 paced stream", "100 paced streams", "1000 paced streams", "5000 paced streams",
]
ROW, HEAD, LEFT, BAR, WIDTH = 18, 22, 130, 400, 660


def svg(report):
    body, y = [], 40
    for work in report["work"]:
        if work["name"] not in SHOWN:
            continue
        figure = work["figures"][0]
        top = max(figure["median"].values())
        body.append(f'<text x="10" y="{y + 12}" font-weight="bold">{label(work["name"], figure)}</text>')
        y += HEAD
        for client, value in figure["median"].items():
            length = max(value / top * BAR, 1)
            body.append(f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end" fill="#444">{NAMES[client]}</text>')
            body.append(f'<rect x="{LEFT}" y="{y + 1}" width="{length:.1f}" height="14" fill="{COLOURS[client]}"/>')
            body.append(f'<text x="{LEFT + length + 6:.1f}" y="{y + 12}" fill="#444">{number(value)} {figure["unit"]}</text>')
            y += ROW
        y += 10
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 4}" font-family="sans-serif" font-size="12">'
    words = "What the client process spends (less is better); each work has its own scale"
    title = f'<rect width="100%" height="100%" fill="white"/><text x="10" y="22" font-size="14">{words}</text>'
    return "\n".join([head, title, *body, "</svg>", ""])
