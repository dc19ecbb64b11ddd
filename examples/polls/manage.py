#!/usr/bin/python3
"""One-off commands: migrate, count, test and all that Django brings."""
import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "production.settings")
    execute_from_command_line(sys.argv)
