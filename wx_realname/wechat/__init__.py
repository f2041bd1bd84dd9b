"""The WeChat client: transport, access token, merchant key, calls, return codes.

Knows no model and no request; the only user of `requests`.
"""
