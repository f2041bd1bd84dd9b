"""Try a release up to its upload: are version, changelog and tag the same, and the files whole?

`make release` runs it after `make dist`, and it writes the bill of materials; nothing is uploaded. TAG names
the tag, where there is one already.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
NAME = "django-wx-realname"


def main() -> None:
    version = version_of(ROOT / "wx_realname" / "__init__.py")
    problems = told_by_version(version, os.environ.get("TAG", "")) + told_by_git()
    subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *DIST.iterdir()], check=True
    )
    bill = ROOT / "build" / "sbom" / f"{NAME}-{version}.cdx.json"
    bill.parent.mkdir(parents=True, exist_ok=True)
    write_bill_of_materials(version, bill)
    print(f"Bill of materials: {bill.relative_to(ROOT)}")
    if problems:
        raise SystemExit("Not ready for a release:\n- " + "\n- ".join(problems))
    print(f"Ready: push the tag v{version}, and the release workflow publishes these bytes.")


def version_of(module: Path) -> str:
    found = re.search(r'^__version__ = "(.+)"$', module.read_text(), re.MULTILINE)
    if not found:
        raise SystemExit(f"{module} has no __version__.")
    return found[1]


def told_by_version(version: str, tag: str) -> list[str]:
    problems = []
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.M):
        problems.append(f'CHANGELOG.md has no heading "## [{version}] - <year>-<month>-<day>".')
    if tag and tag != f"v{version}":
        problems.append(f"The tag is {tag}, and __version__ is {version}.")
    return problems


def told_by_git() -> list[str]:
    command = ["git", "-C", str(ROOT), "status", "--porcelain"]
    changed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [f"Not committed:\n{changed.rstrip()}"] if changed else []


def write_bill_of_materials(version: str, to: Path) -> None:
    """CycloneDX: the package with what it needs, in the versions and with the hashes of runtime.txt."""
    epoch = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    time = subprocess.run(epoch, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        locked = str(ROOT / "release" / "runtime.txt")
        subprocess.run([*install, "--require-hashes", "-r", locked], check=True)
        ours = ["--no-deps", "--no-index", "--find-links", str(DIST), f"{NAME}=={version}"]
        subprocess.run([*install, *ours], check=True)
        subprocess.run(
            [python, "-m", "pip", "uninstall", "--quiet", "--yes", "pip", "setuptools"], check=True
        )
        cyclonedx = shutil.which("cyclonedx-py", path=str(Path(sys.executable).parent))
        subprocess.run(
            [str(cyclonedx), "environment", "--output-reproducible", "-o", str(to), python],
            env=os.environ | {"SOURCE_DATE_EPOCH": time},
            check=True,
        )


if __name__ == "__main__":
    main()
