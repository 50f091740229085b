"""caches.py LAM LIBFABRIC_CACHE [ROUNDS]: hits of the registration caches of the library and of libfabric, in turn, on the
device of LAM_DEVICE. Scripts/bench caches calls it there."""

import json
import os
import statistics
import subprocess
import sys
import tempfile


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def address(lam, device):
    """The first IPv4 address of the device."""
    for found in json.loads(output(lam, "devices", "--json")):
        if found["name"] != device:
            continue
        for port in found.get("ports", []):
            for entry in port["addresses"]:
                if "." in entry["address"]:
                    return entry["address"]
    sys.exit(f"caches: {device} has no IPv4 address")


def ours(lam, device):
    """Nanoseconds of a hit, by the number of registrations."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result.json")
        output(lam, "bench", "run", "cache", "--device", device, "--seconds", "0.5", "--json", path)
        with open(path, encoding="utf-8") as file:
            figures = json.load(file)["figures"]
    return {
        figure["subject"]["conditions"]["registrations"]: figure["ours"]["median"]
        for figure in figures
        if figure["subject"]["name"] == "hit"
    }


def main():
    lam, peer = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    device = os.environ["LAM_DEVICE"]
    place = address(lam, device)
    times = {}
    for _ in range(rounds):
        for count, time in ours(lam, device).items():
            times.setdefault(count, []).append((time, float(output(peer, place, count))))
    print(f"a hit of 64 KiB on {device}, medians of {rounds} rounds: ours, libfabric's, the ratio with its least and greatest")
    for count, pairs in times.items():
        ratios = [mine / theirs for mine, theirs in pairs]
        mine, theirs = (statistics.median(side) for side in zip(*pairs))
        print(
            f"one of {count}: {mine:.0f} ns, {theirs:.0f} ns, "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
