// Swagger UI has dark colours, which a class switches on: let the reader's system decide, as on the other pages.
const dark = window.matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', follow)
follow()
