"""Every setting: where it comes from and what it must look like.

A setting is taken from the environment, else from the YAML file that
POLLS_CONFIG names, else from its default. ConfigError tells all that is wrong.
"""
import os
import re
from types import SimpleNamespace
from urllib.parse import urlsplit

import yaml

LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"]
FACILITIES = ("kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock "
              "local0 local1 local2 local3 local4 local5 local6 local7").split()


class ConfigError(Exception):
    """All that is wrong with the settings, one line for each."""


def number(low, high):
    def parse(text):
        if not re.fullmatch(r"[0-9]{1,6}", text) or not low <= int(text) <= high:
            raise ValueError(f"want a number from {low} to {high}")
        return int(text)
    return parse


def choice(names):
    def parse(text):
        if text not in names:
            raise ValueError("want one of " + ", ".join(names))
        return text
    return parse


def address(*schemes):
    """Return a parser of URLs. Its error never quotes the value, which may hold a password."""
    def parse(text):
        try:
            url = urlsplit(text)
            if not text or url.scheme in schemes and (url.hostname or url.path) and (url.port or True):
                return url if text else None
        except ValueError:
            pass  # the same sentence says it
        raise ValueError("want an address that begins with " + ": or ".join(schemes) + ":")
    return parse


def recipients(text):
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if not re.fullmatch(r"[^\s<>,@]+@[^\s<>,@]+", part):
            raise ValueError(f"{part!r} is no mail address")
    return parts


# Variable, key in the file, default (None: it is required), parser.
SETTINGS = [
    ("PORT", "port", "8000", number(1, 65535)),
    ("WEB_CONCURRENCY", "workers", "2", number(1, 64)),
    ("LOG_LEVEL", "log.level", "INFO", choice(LEVELS)),
    ("DATABASE_URL", "database", None, address("postgres", "sqlite")),
    ("STATUS_TOKEN", "status_token", None, str),
    ("SECRET_KEY", "secret_key", None, str),
    ("ERROR_MAIL", "mail.errors", "", recipients),
    ("SMTP_URL", "mail.server", "", address("smtp", "smtps")),
    ("SYSLOG_URL", "syslog.server", "", address("udp", "tcp", "unix")),
    ("SYSLOG_FACILITY", "syslog.facility", "local0", choice(FACILITIES)),
    ("SITE_TITLE", "title", "Polls", str),
]


def load(env=os.environ):
    """Return all settings, as attributes in lower case."""
    name = env.get("POLLS_CONFIG", "")
    file = read_file(name) if name else {}
    values, missing, wrong = {}, [], []
    for variable, key, default, parse in SETTINGS:
        text, where = file.get(key, (default, ""))
        if variable in env:
            text, where = env[variable], ""
        if default is None and not text:
            missing.append(variable)
            continue
        try:
            values[variable.lower()] = parse(text)
        except ValueError as error:
            wrong.append(f"{where}{variable}: {error}")
    if values.get("error_mail") and not values.get("smtp_url", True):
        missing.append("SMTP_URL")
    if missing:
        wrong.append("missing settings: " + ", ".join(missing))
    if wrong:
        raise ConfigError("\n".join(wrong))
    return SimpleNamespace(**values)


def read_file(name):
    """Return {dotted key: (text, "file:line: ")} of a YAML file."""
    try:
        with open(name, encoding="utf-8") as file:
            root = yaml.compose(file, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{name}:{error.problem_mark.line + 1}: {error.problem}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{name}:1: {error}") from error
    values, known = {}, {key for _, key, _, _ in SETTINGS}
    for key, node in flatten(root) if root else ():
        where = f"{name}:{node.start_mark.line + 1}: "
        if key not in known or not isinstance(node, yaml.ScalarNode):
            raise ConfigError(f"{where}there is no setting {key} of this form")
        values[key] = node.value, where
    return values


def flatten(node, prefix=""):
    """Yield each value below a mapping with its dotted key."""
    if not isinstance(node, yaml.MappingNode):
        yield prefix, node
        return
    for key, value in node.value:
        yield from flatten(value, f"{prefix}.{key.value}" if prefix else key.value)
