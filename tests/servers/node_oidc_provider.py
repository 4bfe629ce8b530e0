"""Start node oidc-provider (its configuration: oidc_provider/server.mjs). See serving.py."""

import contextlib
import json
import shutil
import subprocess

import certificates
import serving

SOURCES = serving.HERE / "oidc_provider"
START_SECONDS = 20


def install():
    """npm-install the pinned packages into .build once; the folder with server.mjs in it."""
    npm = serving.tool("npm", "it comes with node 20 or newer")
    wanted = (SOURCES / "package.json").read_text()
    with serving.alone("oidc-provider") as folder:
        installed = folder / "installed.json"
        if not installed.exists() or installed.read_text() != wanted:
            for name in ("package.json", ".npmrc"):
                shutil.copy(SOURCES / name, folder)
            serving.run([npm, "install", "--no-package-lock"], cwd=folder, timeout=180)
            installed.write_text(wanted)
        # Beside node_modules, where its imports are found; replaced in one step.
        shutil.copy(SOURCES / "server.mjs", folder / "server.mjs.new")
        (folder / "server.mjs.new").replace(folder / "server.mjs")
    return folder


@contextlib.contextmanager
def start(folder):
    """Run the server with fresh keys in `folder`; gives its READY facts."""
    node = serving.tool("node", "install node 20 or newer")
    server = install() / "server.mjs"
    certificates.make(folder)
    with serving.child(
        [node, server, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=serving.without_proxies(),
        text=True,
    ) as process:
        line = serving.ready_line(process, START_SECONDS)
        if not line:
            raise serving.UnavailableError("node ended without READY: its errors are in the log")
        serving.drain(process.stdout)
        version = json.loads((SOURCES / "package.json").read_text())["dependencies"][
            "oidc-provider"
        ]
        yield json.loads(line.partition(" ")[2]) | {"version": version}


if __name__ == "__main__":
    serving.main(start)
