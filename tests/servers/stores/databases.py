"""PostgreSQL, pgbouncer and MariaDB of the machine, each in a folder and on a socket of its own."""

import contextlib
import shutil
import signal
import socket
from pathlib import Path

import psycopg
import pymysql
from programs import Program, as_user, folder, free_port, program, run

SUPER = "postgres"


class Postgres(Program):
    """A cluster without TCP, unless a port is given; whoever reaches its socket is let in."""

    default = SUPER
    killed_by = signal.SIGQUIT  # it ends at once, with its children, as in a crash

    def __init__(self, place, how, binaries, *options, port=5432, tcp=False):
        self.place, self.port = place, port
        listen = "127.0.0.1" if tcp else ""
        command = [str(binaries / "postgres"), "-D", str(place / "data")]
        command += ["-k", str(place), "-p", str(port), "-c", f"listen_addresses={listen}"]
        command += ["-c", "fsync=off", "-c", "max_connections=200", *options]
        super().__init__(command, place / "postgres.log", **how)

    def connect(self, database=SUPER, user=SUPER, **how):
        return psycopg.connect(
            host=str(self.place), port=self.port, dbname=database, user=user, autocommit=True, **how
        )

    def answers(self):
        try:
            with self.connect() as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.Error:
            return False

    def url(self, database=SUPER, user=SUPER, password=""):
        who = f"{user}:{password}" if password else user
        return f"postgresql://{who}@/{database}?host={self.place}&port={self.port}"


def binaries():
    found = shutil.which("pg_config")
    folders = []
    if found:
        folders.append(Path(run([found, "--bindir"])))
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    postgres = program("postgres", *folders, hint="install PostgreSQL")
    return Path(postgres).resolve().parent


@contextlib.contextmanager
def postgres(*options, tcp=False):
    tools = binaries()
    how = as_user("postgres")
    with folder(how.get("user")) as place:
        data = str(place / "data")
        run([str(tools / "initdb"), "-D", data, "-U", SUPER, "-A", "trust", "-N"], **how)
        port = free_port() if tcp else 5432
        server = Postgres(place, how, tools, *options, port=port, tcp=tcp)
        try:
            yield server.start()
        finally:
            server.kill()


class MariaDb(Program):
    """A server on a socket; root without a password."""

    default = "test"

    def __init__(self, place, how, server, *options):
        self.place = place
        self.socket = place / "mariadb.sock"
        command = [server, "--no-defaults", f"--datadir={place / 'data'}"]
        command += ["--skip-networking", f"--socket={self.socket}", "--skip-grant-tables=0"]
        command += ["--innodb-flush-log-at-trx-commit=0", f"--pid-file={place / 'pid'}"]
        command += options
        super().__init__(command, place / "mariadb.log", **how)

    def connect(self, user="root", **how):
        return pymysql.connect(unix_socket=str(self.socket), user=user, autocommit=True, **how)

    def answers(self):
        with socket.socket(socket.AF_UNIX) as knock, contextlib.suppress(OSError):
            knock.settimeout(5)
            knock.connect(str(self.socket))
            return bool(knock.recv(1))  # it greets first
        return False

    def url(self, database="test", user="root", password=""):
        who = f"{user}:{password}" if password else user
        return f"mysql://{who}@localhost/{database}?unix_socket={self.socket}"


@contextlib.contextmanager
def mariadb(*options):
    hint = "apt-get install mariadb-server"
    server = program("mariadbd", "/usr/sbin", hint=hint)
    installer = program("mariadb-install-db", hint=hint)
    how = as_user("mysql")
    with folder(how.get("user")) as place:
        data = f"--datadir={place / 'data'}"
        run([installer, "--no-defaults", data, "--auth-root-authentication-method=normal"], **how)
        database = MariaDb(place, how, server, *options)
        try:
            database.start()
            with database.connect() as connection, connection.cursor() as cursor:
                cursor.execute("CREATE DATABASE IF NOT EXISTS test")
            yield database
        finally:
            database.kill()


class PgBouncer(Program):
    """A pooler that gives each transaction another session."""

    def __init__(self, place, how, binary, behind):
        self.place, self.port = place, free_port()
        (place / "users").write_text('"postgres" ""\n')
        (place / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"postgres = host={behind.place} port={behind.port} dbname=postgres user=postgres\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = any\nauth_file = {place / 'users'}\n"
            "pool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 200\n"
            "server_round_robin = 1\n"
        )
        (place / "pgbouncer.ini").chmod(0o644)
        command = [binary, str(place / "pgbouncer.ini")]
        super().__init__(command, place / "pgbouncer.log", **how)

    def answers(self):
        try:
            with psycopg.connect(
                host="127.0.0.1", port=self.port, dbname=SUPER, user=SUPER, prepare_threshold=None
            ) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.Error:
            return False

    def url(self):
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"


@contextlib.contextmanager
def pgbouncer(behind):
    binary = program("pgbouncer", "/usr/sbin", hint="apt-get install pgbouncer")
    how = as_user("postgres")
    with folder(how.get("user")) as place:
        pooler = PgBouncer(place, how, binary, behind)
        try:
            yield pooler.start()
        finally:
            pooler.kill()
