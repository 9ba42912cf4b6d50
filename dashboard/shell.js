// The back button brings back what was shown: the server builds it from the address.
window.addEventListener("popstate", () => window.location.reload());
// The component library's own labels, in the page's language; and its spacer headings, hidden from screen readers.
(() => {
  const seen = new WeakSet();
  const mend = (root) => {
    for (const bar of root.querySelectorAll('[role="progressbar"]:not([aria-label])')) {
      bar.setAttribute("aria-label", PRETSCOPE.working);
    }
    for (const button of root.querySelectorAll('button[aria-label="Toggle theme"]')) {
      button.setAttribute("aria-label", PRETSCOPE.theme);
    }
    for (const choice of root.querySelectorAll('[role="listbox"] [role="menuitem"]')) choice.setAttribute("role", "option");
    for (const tip of root.querySelectorAll('[role="tooltip"] *')) {
      if (tip.children.length === 0 && tip.textContent === "Toggle theme") tip.textContent = PRETSCOPE.theme;
    }
    for (const heading of root.querySelectorAll("h5")) {
      if (heading.textContent.trim() === "") heading.setAttribute("role", "presentation");
    }
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot && !seen.has(element.shadowRoot)) {
        seen.add(element.shadowRoot);
        mend(element.shadowRoot);
        new MutationObserver(() => mend(element.shadowRoot)).observe(element.shadowRoot, {childList: true, subtree: true});
      }
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    mend(document);
    new MutationObserver(() => mend(document)).observe(document.body, {childList: true, subtree: true});
  });
})();
