#!/usr/bin/env python3
"""Lays the lines of JSON of the store's bench and of its peers side by side, as Markdown.

Usage: table.py FILE …
"""

import json
import sys

OURS = ["BlackRoad, embedded", "BlackRoad, postgres"]
cells, durability, absent = {}, {}, {}
for path in sys.argv[1:]:
    for line in open(path, encoding="utf-8"):
        said = json.loads(line)
        if "absent" in said:
            absent[said["system"]] = said["absent"]
            continue
        # The last run of a system counts.
        cells.setdefault(said["question"], {})[said["system"]] = said
        durability.setdefault(said["system"], {}).setdefault(said["durability"], []).append(said["question"].split(" ")[0])


def order(question):
    digits = question.split(" ")[0]
    return int("".join(c for c in digits if c.isdigit()) or 99), digits, question


def figure(cell):
    value, unit = cell["value"], cell["unit"]
    text = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return f"{text}{unit if unit.startswith('/') else ' ' + unit}"


print("| | what | ours, on a file | ours, on PostgreSQL | peers, the best first |\n|---|---|---|---|---|")
for question in sorted(cells, key=order):
    row = cells[question]
    peers = sorted(
        (cell for system, cell in row.items() if system not in OURS),
        key=lambda cell: cell["value"] if cell["unit"] == "ms" else -cell["value"],
    )
    ours = [figure(row[system]) if system in row else "" for system in OURS]
    number, what = question.split(" ", 1)
    shown = "; ".join(f"{cell['system']} {figure(cell)}" for cell in peers)
    print(f"| {number} | {what} | {' | '.join(ours)} | {shown} |")

print("\n| system | what its figures are worth at a power cut |\n|---|---|")
for system, said in sorted(durability.items()):
    parts = [text if len(said) == 1 else f"{text} (rows {', '.join(sorted(set(rows)))})" for text, rows in said.items()]
    print(f"| {system} | {'; '.join(parts)} |")
for system, why in sorted(absent.items()):
    print(f"| {system} | not measured: {why} |")
