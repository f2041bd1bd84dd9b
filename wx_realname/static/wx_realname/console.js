"use strict";

// Buttons that copy an id. Without this script, or without a clipboard, they stay hidden.
if (navigator.clipboard) {
    for (const button of document.querySelectorAll(".wx-copy")) {
        button.hidden = false;
        button.addEventListener("click", async () => {
            await navigator.clipboard.writeText(button.dataset.copy);
            button.classList.add("wx-copied");
            setTimeout(() => button.classList.remove("wx-copied"), 2000);
        });
    }
}

// The export's form: it is sent once, and says how far the file came, as the page of the progress has it.
const form = document.querySelector("form[data-progress]");
if (form) {
    const part = (name) => form.querySelector(`[data-${name}]`);
    const watch = async () => {
        const answer = await fetch(form.dataset.progress);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const progress = page.getElementById("wx-progress");
        part("shown").textContent = progress.textContent;
        part("again").hidden = !("ended" in progress.dataset);
        if (part("again").hidden) {
            setTimeout(watch, 1000);
        }
    };
    form.addEventListener("submit", () => {
        setTimeout(() => { form.querySelector("[type=submit]").disabled = true; });
        part("link").hidden = true;
        setTimeout(watch, 500);
    });
}
