// Measured in the page: from what a visitor does to the second animation frame after what it changed was drawn.
(() => {
  const PAINT_FRAMES = 4; // frames without a paint after which a change counts as drawn
  const INPUTS = ["pointermove", "pointerup", "wheel", "keydown"];
  const DATA = new Set(["ColumnDataChanged", "ColumnsStreamed", "ColumnsPatched"]);
  const probe = { input: null, patches: [], painted: 0, ready: false, first_picture: null, errors: [] };
  window.__probe = probe;

  for (const kind of INPUTS) {
    window.addEventListener(kind, (event) => {
      if (!event.isTrusted) return;
      const now = performance.now();
      const created = event.timeStamp > 0 && event.timeStamp <= now ? event.timeStamp : now;
      probe.input = { kind, at: created };
    }, { capture: true, passive: true });
  }
  window.addEventListener("error", (event) => probe.errors.push(String(event.message)));

  const frame = () => new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now())));

  // An answer gives several charts new data at once; one source alone is an outline, or a remark that comes later.
  const drawsData = (patch) => (patch.events ?? []).filter(
    (event) => DATA.has(event.kind) || (event.kind === "ModelChanged" && event.attr === "data"),
  ).length > 1;

  // A change is drawn in the frames after it; the second frame after the last of these paints ends the measurement.
  async function follow(entry) {
    let [last, idle] = [probe.painted, 0];
    await frame();
    entry.drawn = await frame();
    while (idle < PAINT_FRAMES) {
      const now = await frame();
      if (entry.at_paint !== null) {
        entry.drawn = now;
        entry.at_paint = null;
      }
      if (probe.painted !== last) {
        [last, idle, entry.at_paint] = [probe.painted, 0, now];
      } else {
        idle += 1;
      }
    }
    entry.settled = true;
  }

  function patched(apply) {
    return function (patch, ...rest) {
      const entry = {
        input: probe.input, arrived: performance.now(), drawn: null, at_paint: null, settled: false,
        data: drawsData(patch),
      };
      probe.patches.push(entry);
      try {
        return apply.call(this, patch, ...rest);
      } finally {
        entry.applied = performance.now();
        follow(entry);
      }
    };
  }

  const views = new Set();

  function painting(paint) {
    return function (...given) {
      const found = paint.apply(this, given);
      views.add(this);
      probe.painted += 1;
      return found;
    };
  }

  function models() {
    return window.Bokeh.documents.flatMap((one) => [...one._all_models.values()]);
  }

  function pictureShown() {
    for (const model of models()) {
      if (!String(model.type).startsWith("Image") || model.type === "ImageURL") continue;
      const renderer = models().find((other) => other.glyph === model);
      const data = renderer?.data_source?.data;
      const images = data instanceof Map ? data.get("image") : data?.image;
      for (const image of images ?? []) {
        if (Array.prototype.some.call(image.data ?? image, (value) => value !== 0 && !Number.isNaN(value))) return true;
      }
    }
    return false;
  }

  async function begin() {
    while (!window.Bokeh?.documents?.length) await frame();
    const document_class = Object.getPrototypeOf(window.Bokeh.documents[0]);
    document_class.apply_json_patch = patched(document_class.apply_json_patch);
    probe.ready = true;
    let painted = -1;
    while (probe.first_picture === null) {
      if (probe.painted !== painted) {
        painted = probe.painted;
        if (painted > 0 && pictureShown()) {
          await frame();
          probe.first_picture = await frame();
        }
      }
      await frame();
    }
  }

  function liveViews() {
    return [...views].filter((view) => view.el?.isConnected && view.el.getBoundingClientRect().width > 0);
  }

  function kindOf(plot) {
    const tools = plot.toolbar.tools;
    if (plot.renderers.some((one) => String(one.glyph?.type).startsWith("Image"))) return "pair";
    const box = tools.find((tool) => tool.type === "BoxSelectTool");
    return box?.dimensions === "width" ? "range" : "bars";
  }

  // Where the inner parts of all plots are in the window, in the order in which they come on the page.
  probe.plots = () => liveViews().map((view) => {
    const [outer, inner] = [view.el.getBoundingClientRect(), view.frame.bbox];
    return {
      plot: view.model.id, kind: kindOf(view.model), left: outer.left + inner.left, top: outer.top + inner.top,
      width: inner.width, height: inner.height,
    };
  }).sort((one, other) => one.top - other.top || one.left - other.left);

  const viewOf = (id) => liveViews().find((view) => view.model.id === id);

  probe.show = (id) => viewOf(id).el.scrollIntoView({ block: "center", behavior: "instant" });

  probe.use = (id, type) => {
    const tools = viewOf(id).model.toolbar.tools;
    tools.find((tool) => tool.type === type).active = true;
  };

  probe.settle = async (quiet, timeout) => {
    const begun = performance.now();
    for (;;) {
      await frame();
      const now = performance.now();
      const latest = Math.max(begun, ...probe.patches.map((entry) => entry.drawn ?? now));
      if (probe.patches.every((entry) => entry.settled) && now - latest >= quiet) return;
      if (now - begun > timeout) throw new Error("the page did not come to rest");
    }
  };

  probe.clear = () => { [probe.input, probe.patches] = [null, []]; };

  // Resolves once a change of drawn data has come and nothing more follows for `quiet` milliseconds.
  probe.finish = async (quiet, timeout) => {
    const begun = performance.now();
    for (;;) {
      await frame();
      const now = performance.now();
      const answers = probe.patches.filter((entry) => entry.data && probe.input && entry.arrived >= probe.input.at);
      const latest = Math.max(begun, ...probe.patches.map((entry) => entry.drawn ?? now));
      const settled = probe.patches.every((entry) => entry.settled);
      if (answers.length && settled && now - latest >= quiet) {
        const drawn = Math.max(...answers.map((entry) => entry.drawn));
        const first = Math.min(...answers.map((entry) => entry.drawn));
        const { at, kind } = probe.input;
        return { answered: true, input: kind, ms: drawn - at, first_ms: first - at, answers: answers.length };
      }
      if (now - begun > timeout) return { answered: false, input: probe.input?.kind ?? null, ms: null };
    }
  };

  // Plots are painted in the task that embeds them: what watches them is there before.
  let bokeh;
  Object.defineProperty(window, "Bokeh", {
    configurable: true,
    get: () => bokeh,
    set: (library) => {
      bokeh = library;
      const plot_view = library?.Models?.get("Plot").prototype.default_view.prototype;
      if (plot_view && !plot_view.watched) {
        plot_view.watched = true;
        plot_view._actual_paint = painting(plot_view._actual_paint);
      }
    },
  });
  begin().catch((error) => probe.errors.push(String(error)));
})();
