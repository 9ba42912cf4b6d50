// What is found, as ordered lists; each zone has a button that keeps its clients. Texts come from the server.
const made = (tag, name = "", text = "") => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.textContent = text;
  return element;
};

export function render({ model }) {
  const root = made("div", "findings");
  const open = new Set();
  let first = "";
  const item = (zone) => {
    const place = made("li"), says = made("p", "zone"), button = made("button", "quiet-button", model.keep);
    says.append(made("strong", "", zone.where), made("span", "", zone.says));
    button.type = "button";
    button.setAttribute("aria-label", zone.keep);
    button.addEventListener("click", () => model.send_msg({keep: zone.id}));
    place.append(says, button);
    return place;
  };
  const section = (group) => {
    const place = made("details"), heading = made("summary");
    heading.append(made("h3", "", group.heading));
    place.append(heading);
    place.open = open.has(group.heading);
    place.addEventListener("toggle", () => open[place.open ? "add" : "delete"](group.heading));
    if (!group.zones.length) {
      place.append(made("p", "soft", group.nothing));
      return place;
    }
    const list = made("ol", "zones");
    list.append(...group.zones.map(item));
    place.append(list);
    return place;
  };
  const buttons = () => [...root.querySelectorAll("button")];
  const wait = () => {
    root.classList.toggle("waiting", model.waiting);
    root.setAttribute("aria-busy", String(model.waiting));
    // Not "disabled", which would take the keyboard's focus away.
    for (const button of buttons()) button.setAttribute("aria-disabled", String(model.waiting));
  };
  const draw = () => {
    const focused = buttons().indexOf(root.getRootNode().activeElement);
    if (!first && model.groups.length) open.add((first = model.groups[0].heading));
    root.replaceChildren(...model.groups.map(section));
    if (focused >= 0) buttons()[Math.min(focused, buttons().length - 1)]?.focus();
    wait();
  };
  model.on("groups", draw);
  model.on("waiting", wait);
  draw();
  return root;
}
