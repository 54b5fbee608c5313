// A slider for each latent, over what the decoder makes of it from end to end.

/** Latents that are shown before one asks for all. */
const firstLatents = 20;

function latentsSection(page) {
  const { size, order } = page;
  const { stripSteps } = page.painter;
  const list = element("ol", { className: "latents" });
  const items = order.map((latent) => latentItem(page, latent));
  list.append(...items.slice(0, firstLatents).map((item) => item.body));

  function showStrips() {
    const shown = items.filter((item) => item.body.isConnected);
    spread("strips", shown.length * stripSteps, (i) =>
      shown[Math.floor(i / stripSteps)].paintStep(i % stripSteps));
  }

  page.onShow((latents) => items.forEach((item) => item.set(latents)));
  let timer = 0;
  page.onChoose(() => {
    clearTimeout(timer);
    timer = setTimeout(showStrips, 120);
  });
  page.onShades(showStrips);
  new ResizeObserver(() => {
    items.forEach((item) => item.resize());
    showStrips();
  }).observe(list);

  const more = button(`All ${size} latents`, () => {
    list.append(...items.map((item) => item.body));
    more.remove();
    items.forEach((item) => item.resize());
    showStrips();
  });
  const sorted = page.measure && size > 1 ? `The first says most, by ${page.measure.words}. ` : "";
  const parts = [list];
  if (size > firstLatents) parts.push(more);
  const hint =
    sorted +
    "Below each slider, what the decoder makes of its values, the others left as they are.";
  return section("latents", size > 1 ? "Latents" : "Latent", hint, ...parts);
}

function latentItem(page, latent) {
  const { painter, decode } = page;
  const { stripSteps } = painter;
  const [low, high] = page.ranges[latent];
  const id = `z${latent}`;
  const value = element("output", { for: id });
  const slider = element("input", {
    type: "range", id, min: low, max: high, step: (high - low) / 600,
  });
  const strip = element("canvas", { "aria-hidden": "true" });
  const label = element("label", { for: id, textContent: id });
  const head = element("div", { className: "head" }, label);
  if (page.measure) {
    const { values, unit } = page.measure;
    const bar = element("span", { className: "meter" });
    bar.style.setProperty("--share", Math.max(values[latent] / Math.max(...values, 1e-9), 0));
    const words = `${short(values[latent])}${unit}`;
    head.append(bar, element("span", { className: "faint", textContent: words }));
  }
  head.append(value);
  const body = element("li", {}, head, slider, strip);

  const withValue = (number) => {
    const latents = Float32Array.from(page.chosen);
    latents[latent] = number;
    return latents;
  };
  slider.addEventListener("input", () => page.choose(withValue(Number(slider.value))));
  const valueAt = (step) => low + ((step + 0.5) / stripSteps) * (high - low);
  strip.addEventListener("click", (event) => {
    const step = Math.floor((event.offsetX / strip.clientWidth) * stripSteps);
    page.choose(withValue(valueAt(Math.min(Math.max(step, 0), stripSteps - 1))));
  });

  let [wide, tall] = [0, 0];
  return {
    body,
    set(latents) {
      slider.value = latents[latent];
      value.textContent = short(latents[latent]);
      slider.setAttribute("aria-valuetext", short(latents[latent]));
    },
    resize() {
      wide = Math.floor(body.clientWidth / stripSteps);
      tall = Math.round(wide / painter.aspect);
      if (wide > 0) sizeCanvas(strip, wide * stripSteps, tall);
    },
    paintStep(step) {
      if (wide <= 0) return;
      const values = decode(withValue(valueAt(step)));
      painter.paint(strip.getContext("2d"), values, step * wide, 0, wide - painter.gap, tall);
    },
  };
}
