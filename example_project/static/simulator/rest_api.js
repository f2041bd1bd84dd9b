// @ts-check
/**
 * The site's public REST interface, as a mini-program uses it with wx.request: no cookies, the
 * session is a bearer token, the language goes along in a header.
 */

/**
 * What came back. `retryAfter` in seconds.
 * @typedef {object} Reply
 * @property {number} status
 * @property {any} body
 * @property {number} retryAfter
 */

/** @typedef {import("./wechat_app.js").Grant} Grant */

/** The message never arrived, or its answer didn't: nobody knows which. */
export class NetworkGone extends Error {}

export class RestApi {
  #language;
  #token = "";

  /** @param {string} language */
  constructor(language) {
    this.#language = language;
  }

  /**
   * The user becomes who the code of wx.login stands for.
   * @param {string} code
   * @returns {Promise<Reply>}
   */
  async login(code) {
    this.#token = "";
    const reply = await this.#call("POST", "/api/login/", { code });
    this.#token = reply.status === 200 ? reply.body.token : "";
    return reply;
  }

  /**
   * The exchange, or the check.
   * @param {Grant} grant
   * @returns {Promise<Reply>}
   */
  prove(grant) {
    const { path, body } = proof(grant);
    return this.#call("POST", path, body);
  }

  /** @returns {Promise<Reply>} */
  socialSecurity() {
    return this.#call("GET", "/api/social-security/");
  }

  /**
   * Consent is withdrawn: the record's personal data is erased.
   * @param {string} id
   * @returns {Promise<Reply>}
   */
  withdraw(id) {
    return this.#call("DELETE", `/api/realname/verifications/${id}/`);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<Reply>}
   */
  async #call(method, path, body) {
    const headers = new Headers({ "Accept-Language": this.#language });
    if (this.#token) headers.set("Authorization", `Bearer ${this.#token}`);
    if (body) headers.set("Content-Type", "application/json");
    try {
      const answer = await fetch(path, {
        method,
        headers,
        body: body && JSON.stringify(body),
        credentials: "omit",
      });
      const text = await answer.text();
      return {
        status: answer.status,
        body: text ? JSON.parse(text) : null,
        retryAfter: Number(answer.headers.get("Retry-After") ?? 0),
      };
    } catch {
      throw new NetworkGone();
    }
  }
}

/**
 * What is posted for a grant, and where; `consent` is the version of the wording that the citizen saw.
 * @param {Grant} grant
 */
export function proof({ way, token, typed }) {
  const consent = "simulator-1";
  return way === "check"
    ? { path: "/api/realname/checks/", body: { code: token, ...typed, consent } }
    : { path: "/api/realname/verifications/", body: { auth_token: token, consent } };
}
