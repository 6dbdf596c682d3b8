#!/usr/bin/env python3
"""Holds every crate that is built for the library against deny.toml: its licence, that there is
one version of each, where it comes from, and what is not wanted at all. Of cargo-deny's checks
these are the ones that need no network."""

import re
import subprocess
import sys
import tomllib
from collections import defaultdict

FORMAT = "{p}|{l}"


def crates():
    """(name, version, source, licence) of each crate that `cargo build` compiles for the library,
    for any target and with every feature. The source is empty for crates.io."""
    command = ["cargo", "tree", "--locked", "--all-features", "--target", "all", "--prefix", "none"]
    command += ["--edges", "normal,build", "--format", FORMAT]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = set()
    for line in lines:
        package, licence = line.removesuffix(" (*)").split("|")
        name, version, *rest = package.split(" ", 2)
        source = " ".join(rest).replace("(proc-macro)", "").strip()
        found.add((name, version.removeprefix("v"), source, licence.removesuffix(" (*)")))
    return sorted(found)


def satisfied(expression, allowed):
    """Whether an SPDX expression can be met with the licences that are allowed."""
    words = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    value, rest = either(words, allowed)
    return value and not rest


def either(words, allowed):
    value, words = every(words, allowed)
    while words and words[0] == "OR":
        other, words = every(words[1:], allowed)
        value = value or other
    return value, words


def every(words, allowed):
    value, words = one(words, allowed)
    while words and words[0] == "AND":
        other, words = one(words[1:], allowed)
        value = value and other
    return value, words


def one(words, allowed):
    if words and words[0] == "(":
        value, words = either(words[1:], allowed)
        return value, words[1:]
    name, words = words[0] if words else "", words[1:]
    if words and words[0] == "WITH":
        name, words = f"{name} WITH {words[1]}", words[2:]
    return name in allowed, words


def check(rules):
    wrong = []
    allowed = set(rules["licenses"]["allow"])
    exceptions = {e["crate"]: set(e["allow"]) for e in rules["licenses"].get("exceptions", [])}
    unwanted = {ban["crate"] for ban in rules["bans"].get("deny", [])}
    skipped = [skip["crate"].split("@") for skip in rules["bans"].get("skip", [])]
    versions = defaultdict(set)
    built = crates()
    for name, version, source, licence in built:
        if not satisfied(licence, allowed | exceptions.get(name, set())):
            wrong.append(f"{name} {version}: the licence `{licence}` is not allowed")
        if name in unwanted:
            wrong.append(f"{name} {version} is not wanted")
        if source and name != "modelwire":
            wrong.append(f"{name} {version} does not come from crates.io: {source}")
        if not any(name == n and f"{version}.".startswith(f"{v}.") for n, v in skipped):
            versions[name].add(version)
    for name, several in versions.items():
        if len(several) > 1:
            wrong.append(f"{name} is there in several versions: {', '.join(sorted(several))}")
    return built, wrong


def main():
    with open("deny.toml", "rb") as file:
        built, wrong = check(tomllib.load(file))
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(built)} crates, {len(wrong)} objections")
    return 1 if wrong or not built else 0


if __name__ == "__main__":
    sys.exit(main())
