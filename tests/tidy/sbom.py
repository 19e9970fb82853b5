"""The bill of materials, as CycloneDX 1.6 JSON, made from the locks: `python -m tests.tidy.sbom FILE` (`make sbom`).

It holds what is locked and nothing of this machine or this moment: the same locks give the same bytes.
"""

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.tidy.tree import ROOT

PRODUCT = "runtime.txt", "floor.txt"
"""What a site runs on; everything else that is locked is for development and checks (`scope`: excluded)."""
LOCKS = (*PRODUCT, "advisor.txt", "build.txt", "dev.txt")

_PACKAGE = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$")
_HASH = re.compile(r"^\s+--hash=sha256:([0-9a-f]{64})")


def packages(lock: str) -> Iterator[tuple[str, str, str, list[str]]]:
    """Name, version, marker and hashes of each package in a lock's text.

    Raises:
        ValueError: a line is neither a package, a hash nor a remark.
    """
    found: tuple[str, str, str, list[str]] | None = None
    for line in lock.splitlines():
        if (package := _PACKAGE.match(line)) is not None:
            if found is not None:
                yield found
            found = (re.sub(r"[-_.]+", "-", package[1]).lower(), package[2], package[3] or "", [])
        elif (digest := _HASH.match(line)) is not None and found is not None:
            found[3].append(digest[1])
        elif line.strip() and not line.lstrip().startswith("#"):
            raise ValueError(f"this line of a lock is not understood: {line}")
    if found is not None:
        yield found


def bill(locks: dict[str, str], project: dict[str, Any]) -> dict[str, Any]:
    """The document. `locks`: text by file name; `project`: the table of pyproject.toml."""
    found: dict[tuple[str, str], tuple[str, list[str], list[str]]] = {}
    for name, text in locks.items():
        for package, version, marker, hashes in packages(text):
            known = found.setdefault((package, version), (marker, hashes, []))
            known[2].append(name)
    root = f"pkg:pypi/{project['name']}@{project['version']}"
    parts = [_component(name, version, *found[name, version]) for name, version in sorted(found)]
    serial = uuid.UUID(bytes=sha256("\n".join(locks[name] for name in sorted(locks)).encode()).digest()[:16], version=4)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": project["name"],
                "version": project["version"],
                "purl": root,
            }
        },
        "components": parts,
        "dependencies": [
            {"ref": root, "dependsOn": [part["bom-ref"] for part in parts if part["scope"] != "excluded"]}
        ],
    }


def _component(name: str, version: str, marker: str, hashes: list[str], locks: list[str]) -> dict[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    said = [("holdgate:lock", lock) for lock in sorted(locks)]
    said += [("holdgate:marker", marker)] if marker else []
    said += [("holdgate:artifact-sha256", digest) for digest in sorted(hashes)]
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "scope": "required" if any(lock in PRODUCT for lock in locks) else "excluded",
        "purl": purl,
        # One of these files is installed, so that none is the component's hash: CycloneDX `hashes` would claim that.
        "properties": [{"name": key, "value": value} for key, value in said],
    }


def made() -> bytes:
    """The bill of this checkout."""
    locks = {name: (ROOT / "requirements" / name).read_text(encoding="utf-8") for name in LOCKS}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return (json.dumps(bill(locks, project), indent=1, sort_keys=True) + "\n").encode()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(made())
