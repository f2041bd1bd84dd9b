// @ts-check
/** Puts the page together. */

import { Choices } from "./choices.js";
import { data, element } from "./page_data.js";
import { MiniProgram } from "./mini_program.js";

const miniProgram = new MiniProgram();
const choices = new Choices(() => miniProgram.start(choices));

function tick() {
  const now = new Date();
  element("clock").textContent = now.toLocaleTimeString(data.language, {
    hour: "numeric",
    minute: "2-digit",
    hour12: false,
  });
}

tick();
setInterval(tick, 10_000);
miniProgram.start(choices);
