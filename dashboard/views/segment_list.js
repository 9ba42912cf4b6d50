// The kept segments, each with what can be done with it. Texts come from the server; deleting is asked for twice.
const made = (tag, name = "", text = "") => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.textContent = text;
  return element;
};

export function render({ model }) {
  const words = model.words;
  const root = made("div");
  const none = made("p", "soft", words.none);
  const list = made("ul", "segments");
  const said = made("p", "sr");
  said.setAttribute("role", "status");
  root.append(none, list, said);

  const press = (text, label, act) => {
    const button = made("button", "quiet-button", text);
    button.type = "button";
    button.setAttribute("aria-label", label);
    button.addEventListener("click", act);
    return button;
  };
  const copy = async (place, segment) => {
    let shown = place.querySelector("input");
    if (!shown) {
      shown = made("input", "address");
      shown.readOnly = true;
      shown.setAttribute("aria-label", segment.labels.link);
      place.append(shown);
    }
    shown.value = new URL(segment.link, document.baseURI).href;
    shown.focus();
    shown.select();
    try {
      await navigator.clipboard.writeText(shown.value);
      said.textContent = words.copied;
    } catch {
      said.textContent = words.copy_by_hand; // no clipboard without a secure connection: the address is there to copy
    }
  };
  const actions_of = (segment, place) => {
    const {name, labels} = segment;
    const actions = made("div", "segment-actions");
    const act = (what) => () => model.send_msg({do: what, name});
    const link = made("a", "quiet-button", words.link);
    link.href = segment.link;
    link.setAttribute("aria-label", labels.link);
    const ask = press(words.forget, labels.forget, () => {
      const sure = made("div", "segment-actions");
      const keep = press(words.stay, labels.stay, () => {
        sure.replaceWith(actions);
        ask.focus();
      });
      sure.append(made("span", "", labels.sure), press(words.forget, labels.forget, act("forget")), keep);
      actions.replaceWith(sure);
      keep.focus();
    });
    if (segment.usable) {
      actions.append(
        press(words.show, labels.show, act("show")), press(words.compare, labels.compare, act("compare")),
        press(words.explain, labels.explain, act("explain")), link,
        press(words.copy, labels.copy, () => copy(place, segment)),
      );
    }
    actions.append(ask);
    return actions;
  };
  const item = (segment) => {
    const place = made("li", "segment"), what = made("div", "segment-what"), figures = made("dl", "segment-figures");
    what.append(made("h3", "", segment.name), made("p", "soft", segment.filters));
    for (const [name, value] of segment.figures) {
      const pair = made("div");
      pair.append(made("dt", "", name), made("dd", "", value));
      figures.append(pair);
    }
    place.append(what, figures, actions_of(segment, place));
    return place;
  };
  // What of a segment has not changed is left alone.
  const shown = new Map();
  const draw = () => {
    const items = model.segments.map((segment) => {
      const written = JSON.stringify(segment);
      if (shown.get(segment.name)?.written !== written) shown.set(segment.name, {written, place: item(segment)});
      return shown.get(segment.name).place;
    });
    list.replaceChildren(...items);
    none.hidden = items.length > 0;
    list.hidden = items.length === 0;
  };
  model.on("segments", draw);
  draw();
  // Others keep segments too: they are read again whenever the list comes on the screen.
  let seen = false;
  const watching = new IntersectionObserver((entries) => {
    const now = entries.at(-1).isIntersecting;
    if (now && !seen) model.send_msg({do: "seen"});
    seen = now;
  });
  watching.observe(root);
  model.on("remove", () => watching.disconnect());
  return root;
}
