"""Runs the suites of a test bundle and counts from the event stream of Swift Testing, never from printed text.

Scripts/test calls it; see there for what it does and takes.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / ".cache" / "test"
DEVICE_MODULE = "DeviceTests"
# One builds a library of its own, which has no sanitizer; the other runs a tool that cannot run beside one.
UNSANITIZED_MODULES = ["InstallationTests", "MemcheckTests"]
NATIVE_SECONDS = 900
DEVICE_SECONDS = 1500
# Short traces of a crash, and no colours in what is kept.
ENVIRONMENT = os.environ | {
    "NO_COLOR": "1",
    "LSAN_OPTIONS": f"suppressions={ROOT}/Scripts/lib/leak-suppressions:print_suppressions=0",
    "TSAN_OPTIONS": f"suppressions={ROOT}/Scripts/lib/race-suppressions"
                    + f":external_symbolizer_path={ROOT}/Scripts/lib/llvm-symbolizer",
    "SWIFT_BACKTRACE": "enable=yes,color=no,threads=crashed,limit=12,top=0,registers=none,images=none",
}


class Lines:
    """The whole lines of a file that still grows."""

    def __init__(self, file):
        self.file = file
        self.rest = ""

    def new(self):
        while part := self.file.readline():
            self.rest += part
            if self.rest.endswith("\n"):
                yield self.rest
                self.rest = ""


class Test:
    """A test function: how it is called and what became of it."""

    def __init__(self, record, suites):
        identifier = record["id"]
        self.module = identifier.split(".", 1)[0]
        # "LAMTests.Suite/name()/File.swift:5:6" without the place.
        self.path = re.sub(r"/[^/]*\.swift:\d+:\d+$", "", identifier)
        self.name = record.get("displayName") or record["name"].strip("`")
        self.suite = self.path.rpartition("/")[0] or self.module
        self.suites = suites
        self.started = None
        self.seconds = 0.0
        self.outcome = None  # passed, failed or skipped
        self.details = []

    @property
    def heading(self):
        around = [suite for suite in sorted(self.suites) if self.path.startswith(suite + "/")]
        return ", ".join([self.module] + [self.suites[suite] for suite in around])

    def matches(self, filter_):
        return re.search(filter_, self.path) or re.search(filter_, f"{self.suite}/{self.name}")


def print_suite(tests):
    if tests:
        print(tests[0].heading)
    for test in sorted(tests, key=lambda test: test.started or 0):
        mark = {"passed": "✔", "failed": "✘", "skipped": "➜", None: "?"}[test.outcome]
        aside = {"skipped": "skipped", None: "not ended"}.get(test.outcome, f"{test.seconds:.2f} s")
        print(f"  {mark} {test.name}  ({aside})")
        for line in test.details:
            print(f"      {line}")
    sys.stdout.flush()


class Half:
    """One run of the bundle: the native suites or the device suites."""

    def __init__(self, name, announce=print_suite):
        self.name = name
        self.announce = announce  # is given the tests of each suite that is done
        self.events = RESULTS / name / "events.jsonl"
        self.log = RESULTS / name / "output.log"
        self.tests = {}  # by identifier
        self.suites = {}  # identifier: name
        self.failures = []  # what failed beside the tests themselves
        self.ended = False

    @classmethod
    def of_last_run(cls, name):
        """What the run before found out; None if there was none."""
        half = cls(name, announce=lambda tests: None)
        if not half.events.exists():
            return None
        with half.events.open(encoding="utf-8") as events:
            for line in Lines(events).new():
                half.take(json.loads(line))
        return half

    def clear(self):
        """Makes room for a new run."""
        shutil.rmtree(self.events.parent, ignore_errors=True)
        self.events.parent.mkdir(parents=True)
        self.events.touch()

    def run(self, command, environment=ENVIRONMENT):
        """Runs the command and prints each suite as soon as its last test is done."""
        with (
            self.log.open("wb") as log,
            self.log.open(encoding="utf-8", errors="replace") as printed,
            self.events.open(encoding="utf-8") as events,
        ):
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT, env=environment)
            try:
                self.follow(process, events, printed)
            finally:
                process.terminate()
                self.conclude(process.wait())

    def follow(self, process, events, printed):
        """Takes each event, and passes on what the scripts underneath say of their progress."""
        event_lines, printed_lines = Lines(events), Lines(printed)
        running = True
        while running:
            running = process.poll() is None
            for line in event_lines.new():
                self.take(json.loads(line))
            for line in printed_lines.new():
                if line.startswith(("rxe: ", "setup: ")):
                    print(line, end="", file=sys.stderr, flush=True)
            time.sleep(0.1 if running else 0)

    def take(self, record):
        payload = record["payload"]
        if record["kind"] == "test":
            if payload["kind"] == "suite":
                self.suites[payload["id"]] = payload.get("displayName") or payload["name"]
            else:
                self.tests[payload["id"]] = Test(payload, self.suites)
        elif record["kind"] == "event":
            self.take_event(payload)

    def take_event(self, event):
        kind, messages = event["kind"], event.get("messages", [])
        if kind == "runEnded":
            self.ended = True
        test = self.tests.get(event.get("testID"))
        if kind == "issueRecorded" and not event["issue"]["isKnown"]:
            self.take_issue(test, event)
        if test is None:
            return
        if kind == "testStarted":
            test.started = event["instant"]["absolute"]
        elif kind == "testSkipped":
            self.finish(test, "skipped", event.get("_comments", []))
        elif kind == "testEnded":
            test.seconds = event["instant"]["absolute"] - test.started
            symbol = messages[0]["symbol"] if messages else "pass"
            if symbol == "fail":
                self.finish(test, "failed")
            elif symbol == "skip":
                self.finish(test, "skipped", [messages[0]["text"]])
            else:
                self.finish(test, "passed")

    def take_issue(self, test, event):
        place = event["issue"].get("sourceLocation")
        place = f"{place['fileID'].rpartition('/')[2]}:{place['line']}: " if place else ""
        case = event.get("_testCase", {}).get("displayName")
        lines = [message["text"] for message in event["messages"]]
        details = [place + (f"({case}) " if case else "") + lines[0]] + ["    " + line for line in lines[1:]]
        if test is not None:
            test.details += details
        else:
            self.failures.append("\n".join(details))

    def finish(self, test, outcome, details=()):
        test.outcome = outcome
        test.details += details
        companions = self.companions(test)
        if all(other.outcome for other in companions):
            self.announce(companions)

    def companions(self, test):
        return [other for other in self.tests.values() if other.suite == test.suite]

    def conclude(self, status):
        """Judges how the process ended, beside what its tests reported."""
        unfinished = [test for test in self.tests.values() if test.outcome is None]
        running = [f"{test.heading}: {test.name}" for test in unfinished if test.started is not None]
        for suite in {test.suite: self.companions(test) for test in unfinished}.values():
            self.announce([test for test in suite if test.started is not None or test.outcome])
        if not self.ended:
            self.failures.append(
                f"the {self.name} suites did not run to their end: {meaning_of(status)}, {len(unfinished)} tests open, "
                + f"of which started: {', '.join(running) or 'none'}\n" + self.last_output())
        elif self.count("passed") + self.count("failed") == 0:
            self.failures.append(f"the {self.name} tests did not run\n" + self.last_output())
        elif status != 0 and not self.count("failed"):
            self.failures.append(
                f"every test passed, and yet the {self.name} suites ended with {meaning_of(status)}\n" + self.last_output())

    def last_output(self):
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-50:] + [f"(all of it: {self.log})"])

    def count(self, outcome):
        return sum(test.outcome == outcome for test in self.tests.values())


def meaning_of(status):
    number = -status if status < 0 else status - 128
    if number in set(signal.Signals):
        return f"status {status} ({signal.Signals(number).name})"
    return f"status {status}" + {124: " (time limit)", 125: " (the VM died)"}.get(status, "")


def bundle_command(bundle, half):
    return [bundle, "--testing-library", "swift-testing", "--event-stream-version", "0",
            "--event-stream-output-path", str(half.events)]


def tests_of(bundle):
    """Every test of the bundle, without running any."""
    half = Half("list")
    half.clear()
    command = bundle_command(bundle, half) + ["--list-tests"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    records = [json.loads(line)["payload"] for line in half.events.read_text(encoding="utf-8").splitlines()]
    suites = {record["id"]: record["name"] for record in records if record["kind"] == "suite"}
    return [Test(record, suites) for record in records if record["kind"] == "function"]


def selection(tests, filter_):
    """The runner's own arguments that select these tests."""
    if filter_ is None:
        device = f"{DEVICE_MODULE}\\."
        return ["--skip", f"^(?!{device})" if tests[0].module == DEVICE_MODULE else f"^{device}"]
    return ["--filter", "^(?:" + "|".join(re.escape(test.path) for test in tests) + ")(?:/|$)"]


def run_native(bundle, arguments, name="native"):
    half = Half(name)
    half.clear()
    # A backtrace of a process with a sanitizer's memory does not end.
    environment = ENVIRONMENT if name == "native" else ENVIRONMENT | {"SWIFT_BACKTRACE": "enable=no"}
    # One by one: several tests watch deadlines of the library's own, which a busy machine would miss.
    half.run(["timeout", "--kill-after=10", str(NATIVE_SECONDS)] + bundle_command(bundle, half)
             + ["--no-parallel"] + arguments, environment)
    return half


def run_on_device(bundle, arguments):
    half = Half("device")
    half.clear()
    folder = half.events.parent
    leaks = folder / "leaks"
    half.run([str(ROOT / "Scripts/rxe"), "exec", "--time-limit", str(DEVICE_SECONDS), "--share", str(folder), "--",
              str(ROOT / "Scripts/lib/device-suite"), str(folder)] + bundle_command(bundle, half)
             + ["--no-parallel"] + arguments)
    if half.ended and (not leaks.exists() or leaks.read_text()):
        half.failures.append("the kernel's resources are not as before the device suites (rdma resource show)\n"
                             + (leaks.read_text() if leaks.exists() else "(they were not compared)"))
    return half


def main():
    parser = argparse.ArgumentParser(
        prog="Scripts/test", usage="Scripts/test [--native | --device | --sanitize] [FILTER]")
    parser.add_argument("--bundle", action="append", type=lambda text: text.split("=", 1))
    parser.add_argument("--native", action="store_true")
    parser.add_argument("--device", action="store_true")
    parser.add_argument("filter", nargs="?")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")

    bundles = dict(options.bundle)
    tests = tests_of(next(iter(bundles.values())))
    if options.filter is not None:
        tests = [test for test in tests if test.matches(options.filter)]
    native = [test for test in tests if test.module != DEVICE_MODULE]
    if "native" not in bundles:
        native = [test for test in native if test.module not in UNSANITIZED_MODULES]
    device = [test for test in tests if test.module == DEVICE_MODULE]
    halves = []
    if not options.device and native:
        arguments = selection(native, options.filter)
        if "native" not in bundles:
            arguments += [word for module in UNSANITIZED_MODULES for word in ("--skip", f"^{module}\\.")]
        halves += [run_native(bundle, arguments, name) for name, bundle in bundles.items()]
    if not options.native and device:
        halves.append(run_on_device(bundles["native"], selection(device, options.filter)))
    if not halves:
        sys.exit("test: no test was selected" + (f" by '{options.filter}'" if options.filter else ""))
    return conclude(halves, options)


def conclude(halves, options):
    """Repeats what failed, says what was left out, and counts: the very last line."""
    for half in halves:
        for test in half.tests.values():
            if test.outcome == "failed":
                print(f"failed: {test.heading}: {test.name}")
        for text in half.failures:
            print(f"failed: {text}")
    if options.native or options.device:
        print(f"only these suites were asked for: {', '.join(half.name for half in halves)}")
    passed, failed, skipped = (sum(half.count(outcome) for half in halves) for outcome in ("passed", "failed", "skipped"))
    failed += sum(len(half.failures) for half in halves)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
