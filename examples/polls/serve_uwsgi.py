"""Starts uWSGI with the application's own settings, in the place of this process."""
import os

from production.settings import CONFIG

os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
os.execvp("uwsgi", ["uwsgi", "--ini", "uwsgi.ini", "--http-socket", f":{CONFIG.port}", "--processes", str(CONFIG.web_concurrency)])
