"""Build the sdist and the wheel of this checkout so that the same commit gives the same bytes anywhere.

`make dist` runs it. It builds a copy of what git tracks, so that leftovers of a working folder stay out. The
time of every file is the commit's, or SOURCE_DATE_EPOCH; the wheel is built from the sdist, as installers do.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("outdir", type=Path, nargs="?", default=ROOT / "dist")
    outdir: Path = parser.parse_args().outdir.absolute()
    os.umask(0o022)  # the files that setuptools writes get their mode from it
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct").strip()
    with tempfile.TemporaryDirectory() as folder:
        source, made, unpacked = (Path(folder) / name for name in ("source", "made", "unpacked"))
        copy_tracked_files(source)
        build("--sdist", source, made, epoch)
        (sdist,) = made.iterdir()
        sdist.write_bytes(normalized(sdist, int(epoch)))
        shutil.unpack_archive(sdist, unpacked, filter="data")
        build("--wheel", next(unpacked.iterdir()), made, epoch)
        shutil.rmtree(outdir, ignore_errors=True)
        shutil.copytree(made, outdir)
    for file in sorted(outdir.iterdir()):
        print(hashlib.sha256(file.read_bytes()).hexdigest(), f"{outdir.name}/{file.name}")


def git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def copy_tracked_files(to: Path) -> None:
    for name in git("ls-files", "-z").split("\0")[:-1]:
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, to / name)
        (to / name).chmod(0o755 if os.access(ROOT / name, os.X_OK) else 0o644)


def build(kind: str, source: Path, outdir: Path, epoch: str) -> None:
    """With the tools of this environment, whose versions and hashes are in build.txt."""
    command = [sys.executable, "-m", "build", "--no-isolation", kind, "--outdir", str(outdir)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": epoch}
    done = subprocess.run(
        [*command, str(source)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout)


def normalized(sdist: Path, epoch: int) -> bytes:
    """The same files, without the owners, times and order of the machine that packed them."""
    packed = io.BytesIO()
    with (
        tarfile.open(sdist) as old,
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=epoch) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old, key=lambda member: member.name):
            plain = tarfile.TarInfo(member.name)
            plain.type, plain.size, plain.mtime = member.type, member.size, epoch
            plain.mode = 0o755 if member.mode & 0o100 else 0o644
            new.addfile(plain, old.extractfile(member))
    return packed.getvalue()


if __name__ == "__main__":
    main()
