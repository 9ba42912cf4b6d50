"""Make the virtual environment a lock file describes, once, and print its interpreter.

    python3 scripts/environment.py core     # the dashboard: requirements/core.txt
    python3 scripts/environment.py dev      # core, and what tests and linting need
    python3 scripts/environment.py bench    # core, and the benchmark's contenders (several GB)

An environment lives in the user's cache folder, under the hash of its lock file and of the Python that made it: a
second clone finds it ready, and a changed lock never meets an old environment. It needs nothing but the standard
library.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MINIMUM = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
STAMP = "pretscope-ready"


def cache_root() -> Path:
    """Return the folder that holds every environment: PRETSCOPE_CACHE, or the user's cache folder."""
    chosen = os.environ.get("PRETSCOPE_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "pretscope"


def environment_folder(name: str, lock: Path) -> Path:
    """Return where the environment of this lock file and this Python goes."""
    digest = hashlib.sha256(lock.read_bytes())
    digest.update(f"{sys.version_info[:3]} {sysconfig.get_platform()} {sys.base_prefix}".encode())
    return cache_root() / "environments" / f"{name}-{digest.hexdigest()[:16]}"


def interpreter(folder: Path) -> Path:
    """Return the environment's Python."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(folder: Path, lock: Path) -> None:
    """Fill `folder` with a new environment; the stamp is written last, so a killed install is made again."""
    if folder.exists():
        shutil.rmtree(folder)
    print(f"Setting up {folder.name} (once for this lock file), in {folder}", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, stdout=sys.stderr)
    subprocess.run(
        [
            str(interpreter(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
            "--only-binary", ":all:", "--progress-bar", "off", "--require-hashes", "-r", str(lock),
        ],
        check=True, stdout=sys.stderr,
    )  # fmt: skip
    (folder / STAMP).write_text(lock.name + "\n", encoding="utf-8")


def ensure(name: str) -> Path:
    """Return the interpreter of environment `name`, making the environment first where there is none."""
    lock = ROOT / "requirements" / f"{name}.txt"
    if not lock.exists():
        known = ", ".join(sorted(path.stem for path in lock.parent.glob("*.txt")))
        raise SystemExit(f"No lock file {lock.relative_to(ROOT)}. Known environments: {known}.")
    folder = environment_folder(name, lock)
    if _ready(folder):
        return interpreter(folder)
    try:
        with _one_at_a_time(folder):
            if not _ready(folder):
                install(folder, lock)
    except subprocess.CalledProcessError as error:
        raise SystemExit(
            f"Could not set up the {name} environment: {Path(error.cmd[0]).name} ended with {error.returncode}.\n"
            "The lines above say why; is a package index reachable? Then run the same command again."
        ) from None
    except OSError as error:
        raise SystemExit(
            f"Can't write the {name} environment in {folder.parent}: {error.strerror}.\n"
            "Set PRETSCOPE_CACHE to a folder that can be written to, then run the same command again."
        ) from None
    return interpreter(folder)


def _ready(folder: Path) -> bool:
    return (folder / STAMP).exists() and interpreter(folder).exists()


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / f".{folder.name}.lock", "w", encoding="utf-8") as guard:
        try:
            import fcntl
        except ImportError:  # Windows: two installs at once are not guarded against
            pass
        else:
            fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Print the interpreter of the environment named on the command line."""
    if sys.version_info < MINIMUM:
        got = ".".join(map(str, sys.version_info[:3]))
        raise SystemExit(f"Pretscope needs Python {MINIMUM[0]}.{MINIMUM[1]} or later; {sys.executable} is {got}.")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(path.stem for path in (ROOT / "requirements").glob("*.txt")))
    print(ensure(parser.parse_args().name))


if __name__ == "__main__":
    main()
