// One page of clients as a table. What is shown, sorted and counted is the server's; texts come from it too.
const made = (tag, name = "", text = "") => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.textContent = text;
  return element;
};
const ARROWS = {ascending: "▲", descending: "▼", none: "↕"};

export function render({ model }) {
  const words = model.words;
  const tell = (message) => model.send_msg(message);
  const root = made("div", "clients");
  const told = made("p", "soft");
  told.setAttribute("role", "status");
  const region = made("div", "scroll");
  region.tabIndex = 0;
  region.setAttribute("role", "region");
  region.setAttribute("aria-label", words.region);
  const table = made("table", "client-table"), head = made("thead"), row = made("tr"), body = made("tbody");
  table.append(made("caption", "sr", words.region), head, body);
  head.append(row);
  region.append(table);

  const pager = made("div", "pager");
  const turn = (label, by) => {
    const button = made("button", "quiet-button", label);
    button.type = "button";
    button.addEventListener("click", () => tell({do: "page", by}));
    return button;
  };
  const previous = turn(words.previous, -1), next = turn(words.next, 1), page = made("span", "num");
  const sizes = made("label", "sizes", words.size), choice = made("select");
  for (const size of words.sizes) choice.append(new Option(size, size));
  choice.addEventListener("change", () => tell({do: "size", size: Number(choice.value)}));
  sizes.append(choice);
  pager.append(previous, page, next, sizes);
  root.append(told, region, pager);

  const heads = new Map();
  const head_of = (column) => {
    const place = made("th", column.numeric ? "num" : ""), button = made("button", "sort");
    place.scope = "col";
    button.type = "button";
    const label = made("span", "", column.label), arrow = made("span", "arrow");
    arrow.setAttribute("aria-hidden", "true");
    button.append(label, arrow);
    button.addEventListener("click", () => tell({do: "sort", key: column.key}));
    place.append(button);
    return {place, arrow};
  };
  const draw = () => {
    const {columns = [], rows = [], links = [], status = words.waiting, page: at = "", first, last, size} = model.table;
    told.textContent = status;
    region.hidden = pager.hidden = rows.length === 0;
    const wanted = new Set(columns.map((column) => column.key));
    for (const [key, {place}] of heads) {
      if (wanted.has(key)) continue;
      place.remove();
      heads.delete(key);
    }
    columns.forEach((column, number) => {
      if (!heads.has(column.key)) heads.set(column.key, head_of(column));
      const {place, arrow} = heads.get(column.key);
      place.setAttribute("aria-sort", column.sort);
      arrow.textContent = ARROWS[column.sort];
      if (row.children[number] !== place) row.insertBefore(place, row.children[number] ?? null);
    });
    body.replaceChildren(...rows.map((cells, number) => {
      const line = made("tr");
      cells.forEach((text, place) => {
        const cell = made(place ? "td" : "th", columns[place].numeric ? "num" : "", place ? text : "");
        if (place === 0) {
          const link = made("a", "", text);
          link.href = links[number];
          cell.scope = "row";
          cell.append(link);
        }
        line.append(cell);
      });
      return line;
    }));
    page.textContent = at;
    previous.disabled = first;
    next.disabled = last;
    if (size) choice.value = size;
  };
  model.on("table", draw);
  draw();
  // What is not on the screen is not computed.
  let seen = false;
  const watching = new IntersectionObserver((entries) => {
    const now = entries.at(-1).isIntersecting;
    if (now !== seen) tell({do: "seen", seen: now});
    seen = now;
  }, {rootMargin: "200px"});
  watching.observe(root);
  model.on("remove", () => watching.disconnect());
  return root;
}
