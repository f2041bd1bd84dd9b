"use strict";

// What scrolls sideways can be reached by keyboard.
window.addEventListener("load", () => {
    for (const part of document.querySelectorAll("pre > code, .md-typeset__scrollwrap")) {
        if (part.scrollWidth > part.clientWidth) {
            part.tabIndex = 0;
        }
    }
});
