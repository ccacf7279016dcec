"""Holds the pins of kernel/requirements.txt against the Pythons that the README promises.

pins.py record  asks the package index, through pip, which Pythons each pinned version is for, and writes pins.json
pins.py check   needs no network: prints one line per Python and pin that do not fit, or "N pins fit M Pythons"
"""

import json
import pathlib
import subprocess
import sys

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

HERE = pathlib.Path(__file__).parent
RECORD = HERE / "pins.json"
# The first release of each minor version, and those that distributions ship: Debian 12, Ubuntu 22.04 and 24.04.
PYTHONS = ["3.10.0", "3.10.12", "3.11.0", "3.11.2", "3.12.0", "3.12.3", "3.13.0", "3.14.0"]
PLATFORMS = [
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
]


def pins(path=HERE.parent / "requirements.txt"):
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def wanted(pin, python, platform):
    major_minor = ".".join(python.split(".")[:2])
    return pin.marker is None or pin.marker.evaluate(
        platform | {"python_full_version": python, "python_version": major_minor, "implementation_name": "cpython"}
    )


def key(pin):
    return f"{pin.name}{pin.specifier}"


def record():
    usable = [p for p in pins() if any(wanted(p, python, on) for python in PYTHONS for on in PLATFORMS)]
    rounds = []  # pip takes one version of a package at a time
    for pin in usable:
        for taken in rounds:
            if pin.name not in taken:
                taken[pin.name] = key(pin)
                break
        else:
            rounds.append({pin.name: key(pin)})
    found = {}
    for taken in rounds:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run",
                   "--ignore-installed", "--no-deps", "--ignore-requires-python", "--report", "-", *taken.values()]
        report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        for item in report["install"]:
            name = item["metadata"]["name"]
            pin = next(v for k, v in taken.items() if normal(k) == normal(name))
            needs = [n for n in item["metadata"].get("requires_dist", []) if "extra ==" not in n and "win32" not in n]
            found[pin] = {"python": item["metadata"].get("requires_python", ""), "needs": needs}
    RECORD.write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n")


def normal(name):
    return name.lower().replace("_", "-").replace(".", "-")


def check(known, requirements):
    """Yields a sentence for each pin that its Python can't have, and for each need that no pin meets."""
    for python in PYTHONS:
        for on in PLATFORMS:
            here = {normal(p.name): p for p in requirements if wanted(p, python, on)}
            where = f"Python {python} on {on['sys_platform']}"
            for pin in here.values():
                if key(pin) not in known:
                    yield f"{key(pin)} is not recorded; run pins.py record"
                    continue
                about = known[key(pin)]
                if python not in SpecifierSet(about["python"]):
                    yield f"{where}: {key(pin)} needs Python {about['python']}"
                for need in map(Requirement, about["needs"]):
                    if not wanted(need, python, on):
                        continue
                    other = here.get(normal(need.name))
                    version = str(other.specifier).removeprefix("==") if other else ""
                    if not other:
                        yield f"{where}: {key(pin)} needs {need}, which is not pinned"
                    elif not need.specifier.contains(version, prereleases=True):
                        yield f"{where}: {key(pin)} needs {need}, but {version} is pinned"


if __name__ == "__main__":
    if sys.argv[1] == "record":
        record()
    else:
        all_pins = pins(pathlib.Path(sys.argv[2])) if len(sys.argv) > 2 else pins()
        faults = sorted(set(check(json.loads(RECORD.read_text()), all_pins)))
        print("\n".join(faults) or f"{len(all_pins)} pins fit {len(PYTHONS)} Pythons")
        sys.exit(bool(faults))
