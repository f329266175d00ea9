"""Images made from scratch: a static busybox and one program in a tar for `docker import`."""

import io
import subprocess
import tarfile
from pathlib import Path

from tests.debian import install

BUSYBOX = Path("/bin/busybox")
COMMANDS = ("sh", "cat", "echo", "head", "httpd", "kill", "ls", "mkdir", "sleep", "tail", "wget")


def make(name: str, program: Path, **environment: str) -> None:
    """Give the Docker engine an image whose entry point is the program, a script for busybox's shell."""
    changes = ['ENTRYPOINT ["/bin/program"]', *(f"ENV {key}={value}" for key, value in environment.items())]
    options = [part for change in changes for part in ("--change", change)]
    command = ["docker", "import", *options, "-", name]
    subprocess.run(command, input=_archive(program), stdout=subprocess.DEVNULL, check=True)


def load(node: str, *names: str) -> None:
    """Import images of the Docker engine into a node, as a registry would give them."""
    into = ["docker", "exec", "-i", node, "ctr", "-n", "k8s.io", "images", "import", "-"]
    with subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE) as saved:
        subprocess.run(into, stdin=saved.stdout, stdout=subprocess.DEVNULL, check=True)
    assert saved.returncode == 0


def _archive(program: Path) -> bytes:
    if not BUSYBOX.exists():
        install("busybox-static", because="Images are made of a static busybox, which is not here")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in ("bin", "tmp", "www"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(entry)
        _add(archive, "bin/busybox", BUSYBOX.read_bytes())
        _add(archive, "bin/program", program.read_bytes())
        for command in COMMANDS:
            link = tarfile.TarInfo(f"bin/{command}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = 0o755, len(content)
    archive.addfile(entry, io.BytesIO(content))
