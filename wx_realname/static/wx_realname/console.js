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
