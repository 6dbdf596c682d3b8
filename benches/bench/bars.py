"""Holds a run to the bars."""

from .work import GROWTH_BARS, LIBRARY_MB, LIMIT_BARS, LOAD_US, NAMES, OURS, RATIO_BARS


def bars(report):
    return [*ratios(report), *limits(report), *growths(report), *library(report)]


def ratios(report):
    for name, key, peer, most in RATIO_BARS:
        figure = find(report, name, key)
        if figure:
            ratio = figure["ratio"][peer]["median"]
            yield bar(label(name, figure), f"beside {NAMES[peer]}", ratio, most, "x")


def limits(report):
    for name, key, most in LIMIT_BARS:
        figure = find(report, name, key)
        if figure:
            yield bar(label(name, figure), "", figure["median"][OURS], most, f" {figure['unit']}")


def growths(report):
    for key, name, base, most in GROWTH_BARS:
        figure, beside = find(report, name, key), find(report, base, key)
        if figure and beside:
            ratio = figure["median"][OURS] / beside["median"][OURS]
            yield bar(label(name, figure), f"beside {base}", ratio, most, "x")


def library(report):
    start = report["start"]["ours"]
    yield bar("shared library, stripped", "", report["size"]["shared_library_bytes"] / 1e6, LIBRARY_MB, " MB")
    yield bar("loading the library", "", start["load_us"] / 1000, LOAD_US / 1000, " ms")
    yield bar("threads before the first call", "", start["threads"], 0, "")


def find(report, name, key):
    for work in report["work"]:
        if work["name"] == name:
            return next(figure for figure in work["figures"] if figure["key"] == key)
    return None


def label(name, figure):
    return name if figure["title"] == "CPU" else f"{name}: {figure['title']}"


def bar(work, beside, value, most, unit):
    return {"work": work, "beside": beside, "value": value, "bar": most, "unit": unit, "met": value <= most}
