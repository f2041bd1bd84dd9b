// @ts-check
/** What goes over the wire on the ways of the button and of the check to prove a real name; nothing secret is in it. */

import { Hidden, codeView } from "./code_view.js";
import { data, words } from "./page_data.js";

/** @typedef {import("./page_data.js").Way} Way */
/** @typedef {import("./rest_api.js").Reply} Reply */
/** @typedef {import("./wechat_app.js").Wire} Wire */
/** @typedef {import("./wechat_app.js").LedgerCall} LedgerCall */
/** @typedef {Record<string, unknown>} Body */

/** WeChat's city service, a mini-program of its own. */
const CITY_SERVICE = { appId: "wx308bd2aeb83d3345", path: "subPages/city/wxpay-auth/main" };

/**
 * `leaves` for another mini-program first; `event` is where that or the button hands the token over.
 * `request` is the body that WeChat is sent, `answer` what it says to a success, null when what it
 * said made no sense; `then` what our server makes of it.
 * @typedef {object} OnTheWire
 * @property {() => HTMLElement[]} leaves
 * @property {string} event
 * @property {string} path
 * @property {(wire: Wire) => Body} request
 * @property {(reply: Reply, call: LedgerCall) => Body | null} answer
 * @property {(reply: Reply) => string} then
 */

/** A face's messages are in face_panel.js. @type {Record<Exclude<Way, "face">, OnTheWire>} */
const WAYS = {
  authorize: {
    leaves: () => [],
    event: "bindgetrealnameauthinfo → e.detail",
    path: "/cgi-bin/wxopen/",
    request: ({ mch_id, cert_serialno }) => ({
      auth_token: secret(),
      mch_id,
      cert_serialno,
      timestamp: new Hidden(words("seconds")),
      sign: new Hidden(words("signature")),
    }),
    answer: ({ body }) => {
      if (body.status !== "verified" && body.code !== "unreadable_answer") return null;
      const ciphertext = new Hidden(words("encrypted"));
      return { encryted_real_name: ciphertext, encryted_credential_id: ciphertext };
    },
    then: ({ status }) => (status < 300 ? words("decrypts") : ""),
  },
  check: {
    leaves: () => [codeView([["wx.navigateToMiniProgram"]], CITY_SERVICE)],
    event: "App.onShow → referrerInfo.extraData",
    path: "/intp/realname/",
    request: () => ({
      openid: new Hidden(words("own-openid")),
      real_name: secret(),
      cred_id: secret(),
      cred_type: "1",
      code: secret(),
    }),
    answer: ({ body }, { verdict }) => {
      const believed = body.status === "verified" || /^(mismatch|no_real_name)$/.test(body.code);
      return believed && verdict ? { errcode: 0, errmsg: "ok", ...verdict } : null;
    },
    then: ({ status, body }) => {
      if (status < 300) return words("matches");
      return body?.code === "mismatch" ? words("differs") : "";
    },
  },
};

/** @param {Way} name */
export function onTheWire(name) {
  return { ...WAYS[name === "face" ? "check" : name], ...data.ways[name] };
}

function secret() {
  return new Hidden(words("secret"));
}
