"""The mini-program simulator, the site's first page: a phone in the browser, and the wire beside it.

The mini-program in the phone speaks the public REST interface and nothing else. What WeChat's own
app does on a real phone (wx.login, the consent sheet's auth_token, the city service's code) is done
here, through the local sandbox's control address; so all of it is served only while API_BASE_URL is
that sandbox.
"""
