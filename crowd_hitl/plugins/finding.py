"""Finds the plug-ins of a group: the modules of its folder, and what other packages offer by entry points.

A plug-in is a module-level object called `plugin`, known by its `name` (a question by its `kind`). Another package
offers one under the entry point group `crowd_hitl.<group>`.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules

from crowd_hitl.domain.errors import NotFound, Unusable


def find(group: str) -> dict[str, object]:
    """Return the group's plug-ins by name; Unusable if one cannot be loaded, has no name, or a name is taken."""
    found: dict[str, object] = {}
    origins: dict[str, str] = {}
    for origin, plugin in [*shipped(group), *offered(group)]:
        name = name_of(plugin, origin=origin)
        if name in found:
            raise Unusable(f"Two plug-ins of '{group}' are called '{name}': {origins[name]} and {origin}. Remove one.")
        found[name] = plugin
        origins[name] = origin
    return found


def find_one(group: str, name: str) -> object | None:
    """Return one plug-in by name, None if there is none; one of ours whose file has its name comes without the rest."""
    package = import_module(f"crowd_hitl.plugins.{group}")
    if name in {module.name for module in iter_modules(package.__path__)}:
        plugin: object = getattr(import_module(f"{package.__name__}.{name}"), "plugin", None)
        if plugin is not None and name_of(plugin, origin=f"{package.__name__}.{name}") == name:
            return plugin
    return find(group).get(name)


def shipped(group: str) -> Iterator[tuple[str, object]]:
    """Yield (module, plug-in) of every module in the group's folder that has one; NotFound for an unknown group."""
    package_name = f"crowd_hitl.plugins.{group}"
    try:
        package = import_module(package_name)
    except ModuleNotFoundError as error:
        if error.name != package_name:
            raise
        raise NotFound(f"There is no group of plug-ins called '{group}'.") from error
    for module in sorted(iter_modules(package.__path__), key=lambda each: each.name):
        origin = f"{package_name}.{module.name}"
        plugin = getattr(import_module(origin), "plugin", None)
        if plugin is not None:
            yield origin, plugin


def offered(group: str) -> Iterator[tuple[str, object]]:
    """Yield (entry point, plug-in) of every other package that offers one."""
    for point in sorted(select_points()(group=f"crowd_hitl.{group}"), key=lambda each: (each.name, each.value)):
        yield f"{point.name} = {point.value}", loaded(point)


@cache
def select_points() -> Callable[..., Iterable[EntryPoint]]:
    """Look through all installed packages, once: it takes milliseconds, and there is a group for each kind."""
    return entry_points().select


def loaded(point: EntryPoint) -> object:
    """Load one entry point; Unusable, naming it, whatever goes wrong inside."""
    try:
        return point.load()
    # Another package's code: it may raise anything, and the user must learn which plug-in it was.
    except Exception as error:
        source = point.dist.name if point.dist is not None else "an unknown package"
        why = f"{type(error).__name__}: {error}"
        message = f"The plug-in '{point.name}' ({point.value}, from {source}) cannot be loaded: {why}"
        raise Unusable(message) from error


def name_of(plugin: object, *, origin: str) -> str:
    """Return what a plug-in is called: its `name`, or its `kind` if it is a question."""
    name = getattr(plugin, "name", None) or getattr(plugin, "kind", None)
    if not isinstance(name, str):
        raise Unusable(f"The plug-in {origin} has neither a `name` nor a `kind`.")
    return name
