// The filters as buttons. What of a chip has not changed is left alone, so that the keyboard's focus stays on it.
const made = (tag, name, text = "") => {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
};

export function render({ model }) {
  const words = model.words;
  const root = made("div", "chips");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", words.label);
  const none = made("p", "soft", words.none);
  const list = made("ul", "chip-list");
  const action = (name) => {
    const button = made("button", "quiet-button", words[name]);
    button.type = "button";
    button.addEventListener("click", () => model.send_msg({do: name}));
    return button;
  };
  const undo = action("undo"), clear = action("clear");
  const actions = made("div", "chip-actions");
  actions.append(undo, clear);
  root.append(none, list, actions);
  const items = new Map();

  const item = (chip) => {
    const button = made("button", "chip");
    button.type = "button";
    const label = made("span", "chip-label"), cross = made("span", "chip-cross", "✕");
    cross.setAttribute("aria-hidden", "true");
    button.append(label, cross);
    button.addEventListener("click", () => model.send_msg({do: "remove", chart: chip.chart}));
    const place = made("li", "");
    place.append(button);
    return {place, button, label};
  };
  const draw = () => {
    const chips = model.chips;
    const wanted = new Set(chips.map((chip) => chip.chart));
    const focused = root.getRootNode().activeElement;
    let gone = -1;
    [...items].forEach(([chart, {place, button}], at) => {
      if (wanted.has(chart)) return;
      if (button === focused) gone = at;
      place.remove();
      items.delete(chart);
    });
    chips.forEach((chip, at) => {
      if (!items.has(chip.chart)) items.set(chip.chart, item(chip));
      const {place, button, label} = items.get(chip.chart);
      if (label.textContent !== chip.label) {
        label.textContent = chip.label;
        button.title = chip.label;
        button.setAttribute("aria-label", chip.remove);
      }
      if (list.children[at] !== place) list.insertBefore(place, list.children[at] ?? null);
    });
    none.hidden = chips.length > 0;
    list.hidden = chips.length === 0;
    undo.disabled = !model.can_undo;
    clear.disabled = chips.length === 0;
    if (gone >= 0) (list.children[Math.min(gone, list.children.length - 1)]?.firstChild ?? undo).focus();
  };
  model.on(["chips", "can_undo"], draw);
  draw();
  return root;
}
