"""A run as text for a terminal, and as Markdown for the documentation."""

from .bars import label
from .work import NAMES, OURS, PARTS, STARTS

CLIENTS = [("ours",), ("curl_easy", "curl_multi"), ("go",), ("plain",), ("go_ours",)]


def text(report):
    lines = ["", "ours, and ours beside each peer's: median of the rounds' ratios (lowest..highest)"]
    for work in report["work"]:
        lines += ["", f"{work['name']} ({work['rounds']} of each: {work['mode']} {' '.join(map(str, work['numbers']))})"]
        for figure in work["figures"]:
            lines += figure_text(figure)
        lines.append("    wall: " + per_client(work["wall_us"], lambda us: f"{number(us)} us"))
        lines.append("    peak memory: " + per_client(work["peak_kb"], lambda kb: f"{megabytes(kb)} MB"))
        lines.append("    threads: " + per_client(work["threads"], number))
    for title, rows in [("Growth", growth(report)), ("Start", start(report)), ("Instructions", parts(report))]:
        lines += ["", title, *aligned(rows)] if len(rows) > 1 else []
    return "\n".join([*lines, "", "Bars", *map(verdict, report["bars"])])


def verdict(bar):
    work = f"{bar['work']} {bar['beside']}".strip()
    value, most = (f"{number(bar[key])}{bar['unit']}" for key in ("value", "bar"))
    return f"    {work}: {value}, bar {most}: {'met' if bar['met'] else 'NOT met'}"


def figure_text(figure):
    yield f"    {figure['title']}: {number(figure['median'][OURS])} {figure['unit']}"
    for peer, ratio in figure["ratio"].items():
        yield f"        {NAMES[peer]:16} {number(figure['median'][peer]):>10}   {spread(ratio)}"
    if figure["binding"]:
        yield f"        modelwire in Go beside Go net/http: {spread(figure['binding'])}"


def spread(ratio):
    return f"{ratio['median']:5.2f}x ({ratio['low']:.2f}..{ratio['high']:.2f})"


def per_client(values, shown):
    return ", ".join(f"{NAMES[client]} {shown(value)}" for client, value in values.items())


def markdown(report):
    """The tables of docs/performance.md, in its order."""
    tables = [costs(report), growth(report), holdings(report), start(report), parts(report), bars_table(report)]
    return "\n\n".join("\n".join(piped(rows)) for rows in tables if len(rows) > 1)


def costs(report):
    rows = [["work", "modelwire", "beside libcurl", "beside Go", "beside reqwest", "modelwire in Go", "it beside Go"]]
    for work in report["work"]:
        for figure in work["figures"]:
            ours = f"{number(figure['median'][OURS])} {figure['unit']}"
            ratios = each(figure["ratio"], lambda ratio: f"{ratio['median']:.2f}x")[1:4]
            binding = ["", ""]
            if figure["binding"]:
                binding = [number(figure["median"]["go_ours"]), f"{figure['binding']['median']:.2f}x"]
            rows.append([label(work["name"], figure), ours, *ratios, *binding])
    return rows


def growth(report):
    """What a line costs the more streams there are, a byte the larger the request."""
    rows = [["growth", *(NAMES[client] for client in ["ours", "libcurl", "go", "plain"])]]
    for kind, one in [("lines", "line"), ("bytes", "KB")]:
        for work in report["work"]:
            if work["growth"] == kind:
                per = work["size"] / 1000 if kind == "bytes" else 1
                medians = work["figures"][0]["median"]
                rows.append([work["name"], *each(medians, lambda us: f"{number(us / per)} us a {one}")[:4]])
    return rows


def holdings(report):
    """What a process holds while it has many streams: memory at its peak, and threads."""
    rows = [["peak memory, threads", *(NAMES[client] for client in ["ours", "libcurl", "go", "plain", "go_ours"])]]
    for work in report["work"]:
        if work["streams"] >= 1000:
            held = {client: (kb, work["threads"][client]) for client, kb in work["peak_kb"].items()}
            rows.append([work["name"], *each(held, lambda both: f"{megabytes(both[0])} MB, {number(both[1])}")])
    return rows


def each(values, shown):
    """One cell for each of CLIENTS, empty where it took no part."""
    return [next((shown(values[client]) for client in names if client in values), "") for names in CLIENTS]


def start(report):
    rows = [["start", *(NAMES[client] for client in ["ours", "libcurl", "go", "plain", "go_ours"])]]
    for key, title in STARTS.items():
        rows.append([title, number(report["start"]["ours"][key]), number(report["start"]["libcurl"][key]), "", "", ""])
    for key, title in [("wall_us", "a whole program of one call, ms"), ("cpu_us", "its CPU, ms")]:
        clients = ["ours", "curl_easy", "go", "plain", "go_ours"]
        rows.append([title, *(number(report["once"][client][key] / 1000) for client in clients)])
    return rows


def parts(report):
    return [["part", "instructions"], *([PARTS[part], f"{count:.0f}"] for part, count in report["instructions"].items())]


def bars_table(report):
    rows = [["work", "beside", "bar", "this run", ""]]
    for bar in report["bars"]:
        shown = [f"{number(value)}{bar['unit']}" for value in (bar["bar"], bar["value"])]
        rows.append([bar["work"], bar["beside"].removeprefix("beside "), *shown, "met" if bar["met"] else "not met"])
    return rows


def number(value):
    """Three digits that matter, no exponent."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:.0f}"
    digits = 1 if size >= 10 else 2 if size >= 0.1 else 3
    return f"{value:.{digits}f}"


def megabytes(kb):
    return f"{kb * 1024 / 1e6:.1f}"


def aligned(rows):
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["    " + "   ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def piped(rows):
    head, *body = rows
    return [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body]]
