"""Find the Chromium that the browser tests drive; install Debian's where there is none and this user may.

    python3 scripts/chromium.py

Prints its path. Where there is none to be had it says which command installs one: with status 1 when CI is set, since
there the browser tests must run, else with status 0, and they are skipped. It needs nothing but the standard library.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser")
PACKAGES = ("chromium", "fonts-dejavu-core")
INSTALL = "apt-get install -y --no-install-recommends " + " ".join(PACKAGES)


def find() -> str | None:
    """Return the path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def may_install() -> bool:
    """Return whether this user can install Debian's packages."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install() -> None:
    """Install Debian's Chromium; a failure has told why on standard error."""
    print("Installing Debian's chromium for the browser tests", file=sys.stderr, flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ("apt-get update -q", INSTALL + " -q"):
        done = subprocess.run(
            command.split(), env=quiet, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            print(f"`{command}` ended with {done.returncode}.", file=sys.stderr)


def main() -> int:
    """Print the path of Chromium and return the exit status."""
    found = find()
    if found is None and may_install():
        install()
        found = find()
    if found is not None:
        print(found)
        return 0
    print(f"No Chromium for the browser tests. As root: apt-get update && {INSTALL}", file=sys.stderr)
    return 1 if os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
