"""``ganzoo plugins`` and ``ganzoo doctor``: what is installed, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.show import say, show_json, show_table

if TYPE_CHECKING:
    from ganzoo.registry.lookup import Registry


@about(
    "plugins",
    """
    What is installed, and what failed:
    ganzoo plugins
    For a script:
    ganzoo plugins --json
    """,
)
@click.command(short_help="List the installed plugins, and those that failed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(as_json: bool) -> None:
    """List the installed plugins, what they register, and those that failed."""
    from ganzoo.registry.loading import registry

    known = registry()
    found = _described(known)
    if as_json:
        show_json(found)
        return
    rows = [
        (
            plugin["name"],
            plugin["distribution"],
            plugin["version"],
            f"NOT USED: {plugin['error']}" if plugin["error"] else ", ".join(plugin["registers"]),
        )
        for plugin in found
    ]
    if rows:
        show_table(("plugin", "distribution", "version", "registers"), rows)
    else:
        say("no plugins are installed; 'ganzoo new-plugin loss mine' writes one")
    for line in _remarks(known):
        say(line)


def _described(known: Registry) -> list[dict[str, Any]]:
    """The plugins of other packages, ready for JSON."""
    return [
        {
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "registers": [entry.spelling for entry in plugin.entries],
            "error": plugin.error,
        }
        for plugin in known.plugins[1:]
    ]


def _remarks(known: Registry) -> list[str]:
    """Warnings, a line each: contested names, and names in GANZOO_PLUGINS that nothing installed has."""
    lines = [
        f"contested: {spelling} comes from {' and '.join(entry.distribution for entry in entries)}"
        for spelling, entries in known.contested.items()
    ]
    lines += [f"left out by GANZOO_PLUGINS: {name}" for name in known.skipped]
    return lines + [f"named in GANZOO_PLUGINS but not installed: {name}" for name in known.missing]


@about(
    "plugins",
    """
    What to put into a bug report:
    ganzoo doctor
    For a script:
    ganzoo doctor --json
    """,
)
@click.command(short_help="Report versions, devices, caches, broken plugins.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Report versions, devices, caches and what is wrong with plugins."""
    from ganzoo.machine.doctor import report
    from ganzoo.registry.loading import registry

    known = registry()
    found = {
        **report(),
        "plugins": _described(known),
        "contested": {name: [entry.distribution for entry in entries] for name, entries in known.contested.items()},
        "skipped": list(known.skipped),
        "missing": list(known.missing),
    }
    if as_json:
        show_json(found)
        return
    show_table(("what", "", "more"), [*_machine_rows(found), *_cache_rows(found), *_extra_rows(found)])
    for plugin in found["plugins"]:
        state = f"NOT USED: {plugin['error']}" if plugin["error"] else "works"
        say(f"plugin {plugin['name']} of {plugin['distribution']} {plugin['version']}: {state}")
    for line in _remarks(known):
        say(line)
    if found["package"]["namesake"]:
        say(f"another package: {found['package']['namesake']['problem']}")


def _machine_rows(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    package = found["package"]
    known_as = f"{package['distribution']} {package['installed'] or 'is not installed'}"
    more = {"ganzoo": f"pip: {known_as}"}
    rows = [(name, version or "not installed", more.get(name, "")) for name, version in found["versions"].items()]
    for device in found["devices"]:
        features = ", ".join(f"{name}: {'yes' if has else 'no'}" for name, has in device["features"].items())
        rows.append((device["device"], device["model"], features))
    return rows


def _cache_rows(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(f"cache of {cache['what']}", _size(cache["bytes"]), cache["path"]) for cache in found["caches"]]


def _extra_rows(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (f"extra {extra['name']}", "installed" if extra["installed"] else "not installed", extra["install"] or "")
        for extra in found["extras"]
    ]


def _size(count: int) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count = count // 1000
    return f"{count} GB"
