#!/usr/bin/env python
"""Django's command line for the example project; `demo` brings its own settings."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    if sys.argv[1:2] == ["demo"]:
        from example_project.demo import prepare

        prepare(os.environ)
    execute_from_command_line(sys.argv)
