/** What you change for your own service; see README.md. */
module.exports = {
  /** Your server. WeChat wants https, and its domain listed in the console, everywhere but in the developer tools. */
  api: 'http://127.0.0.1:8000/api/',
  /** Below it: login, the prefix of wx_realname.urls, and the service that asks for a real name. */
  paths: { login: 'login/', realname: 'realname/', service: 'social-security/' },
  /** The purpose whose notice the citizen is shown and agrees to; its files are published by realname_notices. */
  purpose: 'social-security',
  /** Milliseconds; more than the server's TOTAL_TIMEOUT, so that the server is the one who knows what became of it. */
  timeout: 30000,
  /** Milliseconds between questions whether WeChat has finished a face verification. */
  askAgain: [1000, 2000, 4000, 8000],
}
