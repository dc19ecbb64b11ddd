import os
import tempfile
from unittest import TestCase

from production.config import ConfigError, load

NEEDED = {"DATABASE_URL": "postgres://u:p@db/polls", "STATUS_TOKEN": "token", "SECRET_KEY": "key"}


def from_file(text, **env):
    """Load settings from a file and an environment."""
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "app.yaml")
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        try:
            return load({**NEEDED, "POLLS_CONFIG": name, **env})
        except ConfigError as error:
            raise ConfigError(str(error).replace(folder + "/", "")) from error


class ConfigTest(TestCase):
    def refused(self, want, text=None, **env):
        with self.assertRaises(ConfigError) as caught:
            load({**NEEDED, **env}) if text is None else from_file(text, **env)
        self.assertEqual(str(caught.exception), want)

    def test_defaults(self):
        c = load(NEEDED)
        self.assertEqual((c.port, c.web_concurrency, c.log_level, c.error_mail, c.smtp_url, c.syslog_url, c.syslog_facility, c.site_title),
                         (8000, 2, "INFO", [], None, None, "local0", "Polls"))
        self.assertEqual((c.database_url.hostname, c.status_token, c.secret_key), ("db", "token", "key"))

    def test_environment_over_file_over_default(self):
        file = "port: 9000\ntitle: File\nlog:\n  level: DEBUG\nmail: {errors: 'a@b.c, d@e.f', server: smtp://post}\nsyslog:\n  server: unix:///dev/log\n"
        c = from_file(file, PORT="9001", SITE_TITLE="Environment")
        self.assertEqual((c.port, c.site_title, c.log_level, c.error_mail, c.smtp_url.hostname, c.syslog_url.path, c.web_concurrency),
                         (9001, "Environment", "DEBUG", ["a@b.c", "d@e.f"], "post", "/dev/log", 2))
        self.assertEqual(from_file(file).port, 9000)
        self.assertEqual(from_file("# nothing\n").port, 8000)
        self.assertEqual(from_file("status_token: 0123\n", STATUS_TOKEN="x").status_token, "x")

    def test_missing_settings_are_listed_together(self):
        with self.assertRaises(ConfigError) as caught:
            load({"SECRET_KEY": ""})
        self.assertEqual(str(caught.exception), "missing settings: DATABASE_URL, STATUS_TOKEN, SECRET_KEY")
        self.refused("missing settings: SMTP_URL", ERROR_MAIL="a@b.c")

    def test_invalid_values_are_named(self):
        for variable, value, want in [
            ("PORT", "http", "PORT: want a number from 1 to 65535"), ("PORT", "0", "PORT: want a number from 1 to 65535"),
            ("PORT", "65536", "PORT: want a number from 1 to 65535"), ("WEB_CONCURRENCY", "65", "WEB_CONCURRENCY: want a number from 1 to 64"),
            ("LOG_LEVEL", "LOUD", "LOG_LEVEL: want one of DEBUG, INFO, WARNING, ERROR"),
            ("DATABASE_URL", "http://u:secret@db", "DATABASE_URL: want an address that begins with postgres: or sqlite:"),
            ("DATABASE_URL", "postgres:", "DATABASE_URL: want an address that begins with postgres: or sqlite:"),
            ("SMTP_URL", "smtp://h:port", "SMTP_URL: want an address that begins with smtp: or smtps:"),
            ("ERROR_MAIL", "a@b.c, nobody", "ERROR_MAIL: 'nobody' is no mail address"),
        ]:
            with self.subTest(variable=variable, value=value):
                self.refused(want, **{variable: value})

    def test_a_wrong_file_is_told_with_its_line(self):
        self.refused("app.yaml:2: PORT: want a number from 1 to 65535", "\nport: many\n")
        self.refused("app.yaml:3: there is no setting log.colour of this form", "port: 1\nlog:\n  colour: red\n")
        self.refused("app.yaml:1: there is no setting port of this form", "port: [1]\n")
        self.refused("app.yaml:2: found unexpected end of stream", "port: 1\ntitle: \"half")
        with self.assertRaisesRegex(ConfigError, "^/nowhere/app.yaml:1: .*No such file"):
            load({**NEEDED, "POLLS_CONFIG": "/nowhere/app.yaml"})
