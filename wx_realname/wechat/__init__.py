"""All that speaks WeChat: transport, access token, merchant key, the calls, the return codes.

Knows no model and no request; the only user of `requests`.
"""
