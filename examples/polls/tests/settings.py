"""The application's settings, with a database in memory."""
import os

os.environ.update(DATABASE_URL="sqlite::memory:", STATUS_TOKEN="token", SECRET_KEY="key", SITE_TITLE="Tea & Polls", LOG_LEVEL="ERROR")

from production.settings import *  # noqa: E402,F401,F403
