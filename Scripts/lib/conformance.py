"""Prints which conformance items hold, from the results of the last run of Scripts/test.

Scripts/conformance calls it; see there for what it prints.
"""

import re
import sys
import textwrap

import suites

ITEMS = suites.ROOT / "Tests" / "conformance.txt"
PLACES = {"TrackingTests": "model", "DeviceTests": "device"}


class Item:
    """A rule, and the tests that carry its number."""

    def __init__(self, number, text):
        self.number = number
        self.text = text
        self.reason = None
        self.tests = []

    @property
    def result(self):
        outcomes = {test.outcome for test in self.tests}
        if outcomes - {"passed", "skipped"}:
            return "fails"
        return "holds" if "passed" in outcomes else "not covered"

    def lines(self):
        mark = {"holds": "✔", "fails": "✘", "not covered": "·"}[self.result]
        yield f"{mark} {self.number:3}  {self.text}"
        if self.reason:
            yield from textwrap.wrap(self.reason, 100, initial_indent=" " * 7, subsequent_indent=" " * 7)
        for test in self.tests:
            name = re.sub(r"\[\d+\] *", "", test.name)
            yield f"{'':7}{PLACES.get(test.module, 'faults')}, {test.outcome or 'not run'}: {test.suites[test.suite]}: {name}"


def read_items():
    """The headings and items in their order."""
    entries = []
    for line in ITEMS.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"(\d+) +(.*)", line):
            entries.append(Item(int(match[1]), match[2]))
        elif line.startswith(" "):
            entries[-1].reason = " ".join(filter(None, [entries[-1].reason, line.strip()]))
        elif line and not line.startswith("#"):
            entries.append(line)
    return entries


def main():
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    entries = read_items()
    items = {entry.number: entry for entry in entries if isinstance(entry, Item)}
    halves = [half for half in map(suites.Half.of_last_run, ("native", "device")) if half]
    if not halves:
        sys.exit("conformance: there are no results; run Scripts/test, or Scripts/conformance without --last")
    unknown = []
    for half in halves:
        for test in half.tests.values():
            for number in re.findall(r"\[(\d+)\]", test.name):
                if int(number) in items:
                    items[int(number)].tests.append(test)
                else:
                    unknown.append(test.name)
    for entry in entries:
        print("\n" + entry if isinstance(entry, str) else "\n".join(entry.lines()))
    for name in unknown:
        print(f"conformance: there is no item of this number: {name}", file=sys.stderr)
    results = [item.result for item in items.values()]
    print(f"\nconformance: {results.count('holds')} of {len(items)} items hold, {results.count('fails')} fail, "
          + f"{results.count('not covered')} not covered")
    return 1 if unknown or "fails" in results else 0


if __name__ == "__main__":
    sys.exit(main())
