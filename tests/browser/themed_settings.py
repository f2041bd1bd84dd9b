"""The example site's settings with another admin theme, which the environment names."""

import os

from example_project.settings import *  # noqa: F403 - settings
from example_project.settings import INSTALLED_APPS

INSTALLED_APPS = [os.environ["THEME"], *INSTALLED_APPS]
JAZZMIN_SETTINGS = {"use_google_fonts_cdn": False}
