"""Leave out of package-lock.json what promptfoo can do without: `make lock-promptfoo`.

Its optional packages are browsers, models and the clouds' clients: some gigabytes. npm would have
to fetch what it knows of each of them to see that the lock is whole, so the lock does not know them
at all. What package.json names stays, such as the SQLite of this platform.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Package = dict[str, Any]


def without_optional(lock: dict[str, Any]) -> dict[str, Any]:
    """The lock, of its third version, without optional packages and whatever asks for them."""
    packages = lock["packages"]
    kept = {path: _needs(one) for path, one in packages.items() if not _is_optional(one)}
    return {**lock, "packages": kept}


def _is_optional(package: Package) -> bool:
    return bool(package.get("optional") or package.get("devOptional"))


def _needs(package: Package) -> Package:
    left_out = {"optionalDependencies", "peerDependenciesMeta"}
    known = {key: value for key, value in package.items() if key not in left_out}
    asked = package.get("peerDependenciesMeta", {})
    peers = known.pop("peerDependencies", {})
    required = {name: at for name, at in peers.items() if not asked.get(name, {}).get("optional")}
    return {**known, "peerDependencies": required} if required else known


def main() -> None:
    """Rewrite the file that the command line names."""
    path = Path(sys.argv[1])
    lock = without_optional(json.loads(path.read_text(encoding="utf-8")))
    path.write_text(json.dumps(lock, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
