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

export const FACES = "/api/realname/faces/";
export const WAITING = "/api/realname/verifications/?status=waiting";

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

  /**
   * The notice in force: what the citizen is asked to agree to.
   * @param {string} purpose
   * @returns {Promise<Reply>}
   */
  notice(purpose) {
    return this.#call("GET", `/api/realname/notices/${purpose}/`);
  }

  /**
   * Begin a face verification.
   * @param {object} body name and number, and the notice
   * @returns {Promise<Reply>}
   */
  beginFace(body) {
    return this.#call("POST", FACES, body);
  }

  /**
   * How a face verification ended, asked of the server.
   * @param {string} id
   * @returns {Promise<Reply>}
   */
  faceResult(id) {
    return this.#call("POST", `${FACES}${id}/result/`);
  }

  /**
   * A record of the citizen's.
   * @param {string} id
   * @returns {Promise<Reply>}
   */
  record(id) {
    return this.#call("GET", `/api/realname/verifications/${id}/`);
  }

  /** The face verifications whose end isn't known yet. @returns {Promise<Reply>} */
  waiting() {
    return this.#call("GET", WAITING);
  }

  /** The newest verified record. @returns {Promise<Reply>} */
  current() {
    return this.#call("GET", "/api/realname/verifications/current/");
  }

  /** @returns {Promise<Reply>} */
  socialSecurity() {
    return this.#call("GET", "/api/social-security/");
  }

  /**
   * Consent is withdrawn: the personal data that no other consent covers is erased. A record without a
   * consent of its own is erased by itself.
   * @param {{id: string, consent?: string | null}} record
   * @returns {Promise<{call: string, reply: Reply}>}
   */
  async withdraw({ id, consent }) {
    if (consent) {
      const reply = await this.#call("POST", `/api/realname/consents/${consent}/withdraw/`);
      if (reply.status !== 404) return { call: "POST /api/realname/consents/…/withdraw/", reply };
    }
    const reply = await this.#call("DELETE", `/api/realname/verifications/${id}/`);
    return { call: "DELETE /api/realname/verifications/…/", reply };
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
        body: text && isJson(answer) ? JSON.parse(text) : null,
        retryAfter: Number(answer.headers.get("Retry-After") ?? 0),
      };
    } catch {
      throw new NetworkGone();
    }
  }
}

/** A refusal may come of somebody else, as a page. @param {Response} answer */
function isJson(answer) {
  return answer.ok || answer.headers.get("Content-Type")?.startsWith("application/json");
}

/**
 * What is posted for a grant, and where; `notice` is the one that the citizen agreed to.
 * @param {Grant} grant
 */
export function proof({ way, token, typed, notice }) {
  const agreed = notice ? { notice } : {};
  return way === "check"
    ? { path: "/api/realname/checks/", body: { code: token, ...typed, ...agreed } }
    : { path: "/api/realname/verifications/", body: { auth_token: token, ...agreed } };
}
