"""Ask Spring Boot what it binds from a folder of files (its program: spring_boot_view/)."""

import contextlib
import json
import subprocess
import sys
import threading

import serving

SOURCES = serving.HERE / "spring_boot_view"
JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m")
SECONDS = 30


@contextlib.contextmanager
def start():
    """Run the program; gives `view(folder, environ)`."""
    jar = serving.packaged("spring-boot-view", SOURCES, "view")
    with serving.child(
        [serving.tool("java", "install Java 17 or newer"), *JAVA_OPTIONS, "-jar", jar],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    ) as process:

        def view(folder, environ):
            deadline = threading.Timer(SECONDS, process.kill)
            deadline.start()
            try:
                question = {"folder": str(folder), "environ": environ}
                process.stdin.write(json.dumps(question) + "\n")
                process.stdin.flush()
                return json.loads(process.stdout.readline())
            finally:
                deadline.cancel()

        yield view


def cases():
    """The module that makes cases."""
    sys.path.insert(0, str(SOURCES))
    try:
        import generate

        return generate
    finally:
        sys.path.remove(str(SOURCES))
