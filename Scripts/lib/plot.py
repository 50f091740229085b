"""Draws a result of `lam bench run --json`: what Scripts/plot runs."""

import argparse
import json
import math
import os
import sys
import textwrap

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (after the choice of what draws)
from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: E402

FORMAT = 1
OURS, PLAIN = "#0b6e4f", "#b04a2f"
PAGES = ["4 KiB", "transparent huge", "hugetlb"]


class Result:
    """A result, and what its figures are about."""

    def __init__(self, path):
        try:
            with open(path, encoding="utf-8") as file:
                self.content = json.load(file)
            found = self.content["format"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            sys.exit(f"plot: {path} is not a result of lam bench --json: {error}")
        if found != FORMAT:
            sys.exit(f"plot: {path} has format {found}, and this script reads {FORMAT}")
        self.figures = [figure for figure in self.content["figures"] if "ours" in figure]

    def select(self, group, **conditions):
        """The figures of a group that were measured under these conditions."""
        return [
            figure
            for figure in self.figures
            if figure["subject"]["group"] == group
            and all(figure["subject"]["conditions"].get(name) == value for name, value in conditions.items())
        ]

    @property
    def caption(self):
        host = self.content["host"]
        broken_off = "" if self.content["isComplete"] else "; broken off"
        text = (
            f"{host['device']} ({host['technology']}, {host['driver']}), {host['processor']}, "
            f"Linux {host['kernel']}, {host['rdmaCore']}, IOMMU {host['iommu']}, load {host['load']}; "
            f"commit {host['commit']}, {self.content['date']}{broken_off}"
        )
        return textwrap.fill(text, 130)


def duration(nanoseconds, _=None):
    """Nanoseconds in the unit that suits them: 250 ns, 3.2 µs, 1 s."""
    for unit, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if nanoseconds >= unit:
            return f"{nanoseconds / unit:.3g} {name}"
    return f"{nanoseconds:.3g} ns"


def size(count, _=None):
    """Bytes: 64 KiB."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count:.0f} B"


def draw_times(axes, points, label, color, style="-"):
    """A line through medians, with the middle half as a band. Points: what they are over, and the times."""
    points = sorted((over, times) for over, times in points if times)
    if not points:
        return
    over = [point[0] for point in points]
    axes.plot(over, [times["median"] for _, times in points], style, color=color, marker="o", markersize=3.5, label=label)
    axes.fill_between(
        over, [times["p25"] for _, times in points], [times["p75"] for _, times in points], color=color, alpha=0.18, lw=0
    )


def finish_axes(axes, title, over, ticks):
    axes.set_title(title, fontsize=10)
    axes.set_xscale("log", base=2 if over == "size of the memory" else 10)
    axes.set_yscale("log")
    axes.set_xlabel(over)
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(FuncFormatter(size if over == "size of the memory" else lambda count, _: f"{count:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(duration))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=8)
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(fontsize=8, frameon=False)


def points_of(figures, condition, name, side):
    return [
        (float(figure["subject"]["conditions"][condition]), figure.get(side))
        for figure in figures
        if figure["subject"]["name"] == name
    ]


def draw_register(result):
    kinds = [kind for kind in PAGES if result.select("register", pages=kind)]
    if not kinds:
        return None
    picture, grid = plt.subplots(2, len(kinds), figsize=(4.6 * len(kinds) + 0.6, 8), sharey="row", squeeze=False)
    for column, kind in enumerate(kinds):
        warm = result.select("register", pages=kind, memory="warm")
        cold = result.select("register", pages=kind, memory="cold")
        sizes = sorted({float(figure["subject"]["conditions"]["size"]) for figure in warm + cold})
        build, release = grid[0][column], grid[1][column]
        draw_times(build, points_of(warm, "size", "build", "ours"), "lam, memory touched before", OURS)
        draw_times(build, points_of(warm, "size", "build", "plain"), "ibv_reg_mr, touched before", PLAIN)
        draw_times(build, points_of(cold, "size", "build", "ours"), "lam, never touched", OURS, "--")
        draw_times(build, points_of(cold, "size", "build", "plain"), "ibv_reg_mr, never touched", PLAIN, "--")
        draw_times(build, points_of(cold, "size", "populate, then build", "ours"), "lam, populated first", OURS, ":")
        finish_axes(build, f"building a mapping, {kind} pages", "size of the memory", sizes[:: max(1, len(sizes) // 5)])
        draw_times(release, points_of(warm, "size", "release at once", "ours"), "lam, tryRelease()", OURS)
        draw_times(release, points_of(warm, "size", "release at once", "plain"), "ibv_dereg_mr", PLAIN)
        finish_axes(release, f"releasing it, {kind} pages", "size of the memory", sizes[:: max(1, len(sizes) // 5)])
    for row in grid:
        row[0].set_ylabel("time")
    picture.suptitle("Mappings by size: medians, and the middle half")
    return picture


def draw_counts(result, group, condition, over, title):
    figures = result.select(group)
    counts = sorted({float(figure["subject"]["conditions"][condition]) for figure in figures})
    if len(counts) < 2:
        return None
    names = list(dict.fromkeys(figure["subject"]["name"] for figure in figures))
    picture, grid = plt.subplots(1, len(names), figsize=(5.4 * len(names) + 0.6, 4.6), squeeze=False)
    for axes, name in zip(grid[0], names):
        baseline = next(figure["subject"].get("baseline") for figure in figures if figure["subject"]["name"] == name)
        draw_times(axes, points_of(figures, condition, name, "ours"), "lam", OURS)
        draw_times(axes, points_of(figures, condition, name, "plain"), baseline or "plain C", PLAIN)
        finish_axes(axes, name, over, counts)
    grid[0][0].set_ylabel("time")
    picture.suptitle(title)
    return picture


def draw_overview(result):
    rows = [figure for group in ("release", "arena", "cache", "window", "post") for figure in result.select(group)]
    if not rows:
        return None
    picture, axes = plt.subplots(figsize=(11, 1.4 + 0.42 * len(rows)))
    for index, figure in enumerate(rows):
        for side, color, offset in (("ours", OURS, -0.19), ("plain", PLAIN, 0.19)):
            times = figure.get(side)
            if not times:
                continue
            spread = [[max(0, times["median"] - times["p25"])], [max(0, times["p75"] - times["median"])]]
            axes.barh(index + offset, times["median"], 0.36, color=color, xerr=spread, error_kw={"lw": 0.8})
            axes.text(times["p75"] * 1.12, index + offset, duration(times["median"]), va="center", fontsize=7)
    axes.set_yticks(range(len(rows)), [row_text(figure["subject"]) for figure in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    least = min(figure[side]["median"] for figure in rows for side in ("ours", "plain") if figure.get(side))
    axes.set_xlim(left=10 ** math.floor(math.log10(least)))
    axes.xaxis.set_major_formatter(FuncFormatter(duration))
    axes.grid(True, axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(
        [plt.Rectangle((0, 0), 1, 1, color=color) for color in (OURS, PLAIN)], ["lam", "plain C, in turn"], fontsize=8
    )
    picture.suptitle("Medians, and the middle half")
    return picture


def row_text(subject):
    conditions = [
        size(float(value)) if name == "size" else f"{name} {value}" for name, value in sorted(subject["conditions"].items())
    ]
    return f"{subject['group']}: {subject['name']}" + (f" ({', '.join(conditions)})" if conditions else "")


def main():
    parser = argparse.ArgumentParser(prog="Scripts/plot")
    parser.add_argument("result")
    parser.add_argument("--output-dir")
    options = parser.parse_args()
    result = Result(options.result)
    folder = options.output_dir or os.path.dirname(os.path.abspath(options.result))
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        sys.exit(f"plot: {error}")
    pictures = {
        "register": draw_register(result),
        "threads": draw_counts(result, "threads", "threads", "threads", "Several threads, each over memory of its own"),
        "live": draw_counts(result, "live", "live", "live mappings", "Beside many live mappings"),
        "overview": draw_overview(result),
    }
    if not any(pictures.values()):
        sys.exit(f"plot: nothing was measured in {options.result}")
    for name, picture in pictures.items():
        if not picture:
            continue
        picture.text(0.5, 0.004, result.caption, ha="center", va="bottom", fontsize=7, color="#444444")
        picture.tight_layout(rect=(0, 0.035 + 0.2 / picture.get_figheight(), 1, 1))
        for suffix in ("png", "svg"):
            path = os.path.join(folder, f"{name}.{suffix}")
            picture.savefig(path, dpi=150)
            print(path)


if __name__ == "__main__":
    main()
