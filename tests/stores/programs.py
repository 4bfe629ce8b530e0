"""Real servers of stores as child processes: started, killed and started anew by tests."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

SECONDS = 30


class UnavailableError(Exception):
    """This server cannot be had on this machine; the text says why."""


def program(name, *places, hint):
    """The path of a program: on PATH, or in one of some folders."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, places)])
    found = shutil.which(name, path=path)
    if found is None:
        raise UnavailableError(f"{name} is not there: {hint}")
    return found


def as_user(name):
    """How a command is started that must not run as root."""
    if os.geteuid():
        return {}
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise UnavailableError(f"there is no user {name} to run it") from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def run(command, **how):
    """Run a preparing command to its end."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **how)
    if done.returncode:
        raise UnavailableError(f"{command}: {done.stdout[-300:]}{done.stderr[-300:]}")
    return done.stdout.strip()


@contextlib.contextmanager
def folder(owner=None):
    """A folder that another user may own, below one that everybody may enter."""
    path = Path(tempfile.mkdtemp(prefix="oauthreg-store-"))
    try:
        os.chown(path, owner if owner is not None else -1, -1)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def until(holds, what, seconds=SECONDS):
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def free_port(most=55_535):
    """A port that was free a moment ago; a cluster wants one 10,000 higher, too."""
    while True:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        if port <= most:
            return port


class Program:
    """A server that can be stopped, killed, frozen and started anew."""

    killed_by = signal.SIGKILL

    def __init__(self, command, log, **how):
        self.command, self.log, self.how = command, log, how
        self.process = None

    def answers(self):
        raise NotImplementedError

    def start(self):
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                **self.how,
            )
        until(self._is_up, f"{self.command[0]} ({self.log.read_text(errors='replace')[-500:]})")
        return self

    def _is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it ended: {self.log.read_text(errors='replace')[-800:]}")
        return self.answers()

    def end(self, number=signal.SIGTERM):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self):
        self.end(self.killed_by)

    @contextlib.contextmanager
    def frozen(self):
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


class Proxy:
    """Passes bytes on to a socket; can be cut and joined again, be slow, and speak TLS.

    `delay` is how many seconds each answer takes longer.
    """

    def __init__(self, target, context=None):
        self.target, self.context = target, context
        self.cut = False
        self.delay = 0.0
        self._pairs = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.cut:
                client.close()
            else:
                threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client):
        try:
            if self.context is not None:
                client = self.context.wrap_socket(client, server_side=True)
            kind = socket.AF_INET if isinstance(self.target, tuple) else socket.AF_UNIX
            server = socket.socket(kind)
            server.connect(self.target)
        except OSError:
            client.close()
            return
        self._pairs.append((client, server))
        for source, sink in ((client, server), (server, client)):
            answers = source is server
            threading.Thread(target=self._pass, args=(source, sink, answers), daemon=True).start()

    def _pass(self, source, sink, answers):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                time.sleep(self.delay if answers else 0)
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut_off(self):
        """End every connection, and refuse new ones."""
        self.cut = True
        for pair in self._pairs:
            for one in pair:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listener.close()
        self.cut_off()
        for pair in self._pairs:
            for one in pair:
                one.close()
