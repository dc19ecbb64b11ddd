"""The database, and a limit for how long anyone waits for it."""
import select
import time
from urllib.parse import unquote

PATIENCE = 2.0  # seconds, for connecting and for each statement


def settings(url):
    """Return Django's settings of postgres://user:password@host:port/name or sqlite:/path."""
    if url.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.path}
    limit_postgres()
    return {
        "ENGINE": "django.db.backends.postgresql", "HOST": url.hostname, "PORT": url.port or 5432,
        "NAME": unquote(url.path.strip("/")), "USER": unquote(url.username or ""), "PASSWORD": unquote(url.password or ""),
        "OPTIONS": dict(part.split("=", 1) for part in url.query.split("&") if part),
    }


def limit_postgres():
    """Make psycopg2 give up on a server that accepts everything and answers nothing."""
    import psycopg2
    from psycopg2 import extensions

    def wait(connection):
        deadline = time.monotonic() + PATIENCE
        while (state := connection.poll()) != extensions.POLL_OK:
            read = [connection] if state == extensions.POLL_READ else []
            write = [connection] if state == extensions.POLL_WRITE else []
            if not any(select.select(read, write, [], max(0, deadline - time.monotonic()))):
                raise psycopg2.OperationalError(f"the database did not answer within {PATIENCE:g} s")
    extensions.set_wait_callback(wait)
