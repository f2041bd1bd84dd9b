// @ts-check
/** WeChat's camera screen, drawn: an oval, a progress ring, an instruction. No camera is opened. */

import { element, words } from "./page_data.js";

const STEPS = /** @type {const} */ (["look", "blink", "hold"]);
const STEP = matchMedia("(prefers-reduced-motion: reduce)").matches ? 150 : 900; // milliseconds
const RING = 100; // the ring's pathLength

/**
 * @param {() => void} over is called when the camera has seen enough
 */
export function play(over) {
  const ring = element("camera-ring");
  let step = 0;
  const next = () => {
    ring.style.strokeDashoffset = String(RING - (RING * step) / STEPS.length);
    if (step === STEPS.length) return setTimeout(over, STEP / 2);
    element("camera-words").textContent = words(STEPS[step]);
    element("said").textContent = words(STEPS[step]);
    step += 1;
    return setTimeout(() => element("camera").hidden || next(), STEP);
  };
  next();
}
