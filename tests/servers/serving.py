"""What the server starters beside this file have in common. They run as child processes:

    python tests/servers/keycloak.py

prints one line on standard output, then keeps the server until its standard input ends:

    READY {"issuer": ..., "clients": ...}      it answers
    UNAVAILABLE why                            it cannot be had on this machine
"""

import contextlib
import fcntl
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / ".build"


class UnavailableError(Exception):
    """This server cannot be had on this machine; the text says why."""


def main(start):
    """Run `start(folder)`, a context manager that gives what READY says, until stdin ends."""
    # TERM ends the `with` blocks below like anything else does, so the server ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with (
            tempfile.TemporaryDirectory(prefix="oauthreg-server-") as folder,
            start(Path(folder)) as facts,
        ):
            print("READY", json.dumps(facts), flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                sys.stdin.buffer.read()
    except UnavailableError as why:
        print("UNAVAILABLE", " ".join(str(why).split()), flush=True)


def tool(name, hint):
    """The path of a program, or an UnavailableError that says how to get it."""
    found = shutil.which(name)
    if found is None:
        raise UnavailableError(f"{name} is not on PATH: {hint}")
    return found


def need_java():
    """Java 17 or newer, or an UnavailableError."""
    java = tool("java", "install Java 17 or newer")
    said = subprocess.run([java, "-version"], check=False, capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', said)
    if not version or int(version[1]) < 17:
        raise UnavailableError(f"Java 17 or newer is needed, found {said.splitlines()[:1]}")


def run(command, *, timeout=600, **options):
    """Run a preparing command to its end; its output is quoted when it fails."""
    done = subprocess.run(
        command,
        check=False,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    if done.returncode:
        raise UnavailableError(
            f"`{Path(command[0]).name} {command[1]}` failed: {done.stdout[-600:]}"
        )


@contextlib.contextmanager
def alone(name):
    """Hold `.build/<name>` for this process: starters in one checkout must not race."""
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def packaged(name, folder, jar):
    """A Java program as a small jar with its libraries in lib/ beside it, packaged once by Maven.

    It is packaged again when its sources, `pom.xml` and the Java files of `folder`, change.
    """
    need_java()
    sources = [folder / "pom.xml", *sorted(folder.glob("*.java"))]
    wanted = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    with alone(name) as build:
        marker = build / "packaged"
        if not marker.exists() or marker.read_text() != wanted:
            maven = tool("mvn", "install Maven")
            tool("javac", "install a JDK, 17 or newer: a runtime alone cannot compile")
            for source in sources:
                shutil.copy(source, build)
            shutil.rmtree(build / jar, ignore_errors=True)
            run([maven, "package", "-q", "-B"], cwd=build)
            # Unpacked, it starts 0.6 s sooner than as one jar.
            unpack = ["-Djarmode=tools", "-jar", f"target/{jar}.jar", "extract"]
            run([tool("java", ""), *unpack, "--destination", jar], cwd=build)
            shutil.rmtree(build / "target")
            marker.write_text(wanted)
        return build / jar / f"{jar}.jar"


@contextlib.contextmanager
def child(command, *, seconds=10, **options):
    """A child process with pipes, ended by its id: asked first, made to after `seconds`."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ready_line(process, seconds):
    """The READY or UNAVAILABLE line of a child, waited for at most so long; "" without one."""
    deadline = threading.Timer(seconds, process.kill)
    deadline.start()
    try:
        return next(
            (line for line in process.stdout if line.startswith(("READY ", "UNAVAILABLE "))), ""
        )
    finally:
        deadline.cancel()


def drain(stream):
    """Read and drop what else a child prints, so that it never blocks on a full pipe."""
    threading.Thread(target=lambda: [None for _ in stream], daemon=True).start()


def free_ports(count):
    """Ports that are free, and that no client's connection is given meanwhile.

    A server may need seconds to bind its port. The system gives ports from 32768 on to
    whoever asks for any.
    """
    ports = []
    while len(ports) < count:
        port = random.randrange(10_000, 32_000)  # noqa: S311 - guards nothing
        with socket.socket() as one:
            free = one.connect_ex(("127.0.0.1", port)) != 0
        if free and port not in ports:
            ports.append(port)
    return ports


def without_proxies():
    """This process's environment for a server that needs nothing from outside."""
    return {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
