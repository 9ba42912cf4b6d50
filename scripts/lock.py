"""Write the lock files anew from requirements/*.in, every pin with its hashes.

    python3 scripts/lock.py                 # pins that still satisfy the .in files stay as they are
    python3 scripts/lock.py --upgrade       # the newest of everything the .in files allow

Arguments go to `uv pip compile`. uv comes from the package index, into an environment of its own in the cache folder.
"""

from __future__ import annotations

import subprocess
import sys

from environment import ROOT, cache_root, interpreter

UV = "uv==0.13.9"
NAMES = ("core", "dev", "bench")  # core first: the others are constrained by it
OPTIONS = (
    "--python-version", "3.11", "--only-binary", ":all:", "--generate-hashes", "--no-header", "--no-emit-find-links",
    "--quiet",
)  # fmt: skip


def uv() -> str:
    """Return the path of uv, installing it first where there is none."""
    folder = cache_root() / "environments" / UV.replace("==", "-")
    program = interpreter(folder).with_name("uv")
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, stdout=sys.stderr)
        subprocess.run([str(interpreter(folder)), "-m", "pip", "install", "--quiet", UV], check=True, stdout=sys.stderr)
    return str(program)


def main() -> int:
    """Compile every lock file, in the order in which they constrain one another, and return the exit status."""
    program = uv()
    for name in NAMES:
        source, lock = f"requirements/{name}.in", f"requirements/{name}.txt"
        print(f"{source} -> {lock}", file=sys.stderr, flush=True)
        done = subprocess.run([program, "pip", "compile", *OPTIONS, *sys.argv[1:], source, "-o", lock],
                              cwd=ROOT, stdout=subprocess.DEVNULL, check=False)  # fmt: skip
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"Could not install {UV}: {error}. Is a package index reachable?")
