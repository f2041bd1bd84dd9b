"""Real names from WeChat Pay for Django, with the citizen's consent."""

__version__ = "0.1.0"
