/** What you change for your own service; see README.md. */
module.exports = {
  /** Your server. WeChat wants https, and its domain listed in the console, everywhere but in the developer tools. */
  api: 'http://127.0.0.1:8000/api/',
  /** Below it: login, the prefix of wx_realname.urls, and the service that asks for a real name. */
  paths: { login: 'login/', realname: 'realname/', service: 'social-security/' },
  /** The version of the consent wording in i18n.js. Change both together: it's stored with the record. */
  consent: '2026-11',
  /** Milliseconds; more than the server's TOTAL_TIMEOUT, so that the server is the one who knows what became of it. */
  timeout: 30000,
}
