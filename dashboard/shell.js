// The back button brings back what was shown: the server builds it from the address.
window.addEventListener("popstate", () => window.location.reload());
// A figure that comes with a page opened later is first laid out with its page before it has a layout of its own, which
// is an error in Bokeh 3.9 (panel-extensions/panel-material-ui#548): such a call is left out, another follows.
const patient = () => {
  const figure = Bokeh.Models.get("Plot").prototype.default_view.prototype;
  for (const step of ["_measure_layout", "_after_layout"]) {
    const done = figure[step];
    figure[step] = function () {
      if (this.layout != null) done.call(this);
    };
  }
  // Where a finger drags a range across a figure, moving it up or down still scrolls the page.
  const touched = figure._update_touch_action;
  figure._update_touch_action = function () {
    touched.call(this);
    const drags = this.model.toolbar.tools.filter((tool) => tool.active && tool.event_types.includes("pan"));
    if (drags.length > 0 && drags.every((tool) => tool.dimensions === "width")) {
      this.canvas.touch_action.replace(".bk-events { touch-action: pan-y pinch-zoom; }");
    }
  };
};
// The component library's own lists of choices open at a click alone: the keys that open a list do as the click does.
window.addEventListener("keydown", (event) => {
  const pressed = event.composedPath()[0];
  const closed = pressed instanceof Element && pressed.matches('[role="combobox"][aria-haspopup="listbox"][aria-expanded="false"]');
  if (closed && ["Enter", " ", "ArrowDown", "ArrowUp"].includes(event.key)) {
    event.preventDefault();
    pressed.click();
  }
});
// A field that is searched in: its words are selected when it is entered, and Escape empties it.
const sought = (event) => event.composedPath()[0] instanceof HTMLInputElement
  && event.composedPath().some((one) => one.classList?.contains("looked-for"));
window.addEventListener("focusin", (event) => {
  if (sought(event)) event.composedPath()[0].select();
});
window.addEventListener("keydown", (event) => {
  const field = event.composedPath()[0];
  if (event.key !== "Escape" || !sought(event) || field.value === "") return;
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, "");
  field.dispatchEvent(new Event("input", {bubbles: true}));
});
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
    patient();
    mend(document);
    new MutationObserver(() => mend(document)).observe(document.body, {childList: true, subtree: true});
  });
})();
