"""The base of the server's image, made of this machine's Python where the engine cannot fetch the real one.

It holds what python:3.11-slim has and the Dockerfile uses: the interpreter with its library, a shell, certificates.
"""

import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from tests.debian import install

NAME = "nexus-test/python:base"
REAL = "python:3.11-slim"

COMMANDS = ("sh", "cat", "chmod", "cp", "dirname", "find", "id", "ln", "mkdir", "mktemp", "mv", "rm", "touch", "uname")
BUSYBOX = Path("/bin/busybox")
LEFT_OUT = {"__pycache__", "ensurepip/__pycache__", "idlelib", "site-packages", "test", "tkinter", "turtledemo"}


def base() -> str:
    """The name of an image to build on: the real one where the engine has it, else one that is made now."""
    found = subprocess.run(["docker", "image", "inspect", REAL], capture_output=True, check=False)
    return REAL if found.returncode == 0 else _made()


def _made() -> str:
    program = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    changes = [f"ENV PATH={program.parent}:/usr/bin:/bin", 'CMD ["python"]', *_pip_settings()]
    options = [part for change in changes for part in ("--change", change)]
    subprocess.run(["docker", "import", *options, "-", NAME], input=_archive(program), capture_output=True, check=True)
    return NAME


def _pip_settings() -> Iterator[str]:
    """How pip reaches its index on this machine: it has to do so in the image, too."""
    for name, value in os.environ.items():
        if name.startswith("PIP_") and name not in {"PIP_FIND_LINKS", "PIP_REQUIRE_VIRTUALENV"}:
            yield f"ENV {name}={value}"


def _archive(program: Path) -> bytes:
    if not BUSYBOX.exists():
        install("busybox-static", because="The image's shell is a static busybox, which is not here")
    library = Path(sys.base_prefix) / "lib" / program.name
    modules = [path for path in library.rglob("*.so") if "site-packages" not in path.parts]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as archive:
        libraries = _libraries([program, *modules]) | _libraries_of_debian()
        for file in (program, *libraries, *Path("/etc/ssl/certs").glob("ca-certificates.crt")):
            archive.add(file, filter=_readable)
        archive.add(library, filter=_without_the_rest)
        archive.add(BUSYBOX, "bin/busybox", filter=_readable)
        for command in COMMANDS:
            _link(archive, f"bin/{command}", "busybox")
        _link(archive, "usr/bin/env", "/bin/busybox")
        for name in ("python", "python3"):
            _link(archive, str(program.with_name(name)).lstrip("/"), program.name)
        for folder, mode in (("tmp", 0o1777), *((str(path).lstrip("/"), 0o755) for path in library.parents[:-1])):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
    return buffer.getvalue()


def _libraries(files: list[Path]) -> set[Path]:
    """The shared libraries that files are linked to, and the loader, by the names that they are asked for."""
    said = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True, check=False).stdout
    return {Path(path) for path in re.findall(r"(/\S+) \(0x", said)}


# What compiled wheels take for granted: the C library's parts, and what the smallest Debian image has since apt needs it.
TAKEN_FOR_GRANTED = ("gcc_s", r"stdc\+\+", "c", "dl", "m", "nss_dns", "nss_files", "pthread", "resolv", "rt", "util")


def _libraries_of_debian() -> set[Path]:
    said = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    found = re.findall(rf"\slib(?:{'|'.join(TAKEN_FOR_GRANTED)})\.so\.\d+ .* => (/\S+)", said)
    return {Path(path) for path in found}


def _readable(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.mode |= 0o555 if entry.isdir() or entry.mode & 0o100 else 0o444
    return entry


def _without_the_rest(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(entry.name).name in LEFT_OUT else _readable(entry)


def _link(archive: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    archive.addfile(entry)
