"""`python -m nexus_gql.sandbox`: a simulated cluster on loopback until it is told to end.

When it answers, it prints its address and writes the state file (address, token, kubeconfig, process id) for whoever started it.
"""

import argparse
import asyncio
import gc
import json
import os
import secrets
import signal
import sys
import tempfile
import threading
from pathlib import Path

from nexus_gql.sandbox.discovery import VERSION
from nexus_gql.sandbox.sandbox import Sandbox


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m nexus_gql.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state-file", type=Path, help="where to write how it is reached; deleted at the end")
    parser.add_argument(
        "--objects", type=Path, help="where to keep what it holds, for the next start; default: nowhere"
    )
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument(
        "--seed", type=int, help="the same seed gives the same uids, so a cluster that is known again; default: any"
    )
    parser.add_argument("--name", default="sandbox")
    parser.add_argument(
        "--until-stdin-ends", action="store_true", help="end with standard input: with whoever holds its other end"
    )
    asyncio.run(_serve(parser.parse_args()))


async def _serve(arguments: argparse.Namespace) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    if arguments.until_stdin_ends:
        _end_with_stdin(asyncio.get_running_loop(), ended)
    # Two clusters with the same uids would be taken for one: a cluster is known by the uid of its kube-system.
    gc.disable()
    seed = secrets.randbits(63) if arguments.seed is None else arguments.seed
    sandbox = Sandbox(nodes=arguments.nodes, seed=seed, name=arguments.name, objects=arguments.objects)
    address = await sandbox.start("127.0.0.1", arguments.port)
    # Ten thousand pods are a million small objects that stay: looking through all of them often costs more than it frees.
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    gc.enable()
    if arguments.state_file is not None:
        _write_state(arguments.state_file, sandbox, address)
    print(f"{arguments.name}: a simulated cluster ({VERSION}) at {address}", flush=True)  # noqa: T201 - a command's output
    await ended.wait()
    if arguments.state_file is not None:
        arguments.state_file.unlink(missing_ok=True)
    await sandbox.stop()


def _end_with_stdin(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """In a thread: unlike the loop's readers, it can read whatever standard input is."""

    def read() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=read, name="standard input", daemon=True).start()


def _write_state(path: Path, sandbox: Sandbox, address: str) -> None:
    """Written beside and moved into place: nobody reads half of it, and nobody else reads the token."""
    state = {
        "address": address,
        "server": sandbox.server(address),
        "token": sandbox.token,
        "kubeconfig": sandbox.kubeconfig(address),
        "pid": os.getpid(),
        "version": VERSION,
    }
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump(state, file)
    Path(file.name).replace(path)


if __name__ == "__main__":
    main()
