// What is known of the model: its divergence, its training, its record.

function divergenceSection({ measure, order }) {
  const bars = order.map((i) => ({ name: `z${i}`, value: measure.values[i] }));
  const total = measure.values.reduce((sum, value) => sum + value, 0);
  const hint = measure.unit
    ? `Together ${short(total)} nats; a latent with next to none says nothing of its row.`
    : "";
  return section("divergence", measure.title, hint, barChart(measure.title, bars));
}

/** Metrics of a run that are drawn, where it has them. */
const metrics = {
  loss: "loss, nats a row", reconstruction: "reconstruction", kl: "divergence",
  bits_per_dimension: "bits a dimension", active_units: "active latents",
};

function runSection({ content: { log } }) {
  const charts = Object.entries(metrics).flatMap(([name, title]) => {
    const curve = (key, words, isDashed) => {
      const epochs = log.filter((epoch) => key in epoch);
      return { name: words, isDashed, points: epochs.map((epoch) => [epoch.epoch, epoch[key]]) };
    };
    const curves = [curve(name, "training", false), curve(`valid_${name}`, "held out", true)];
    const drawn = curves.filter(({ points }) => points.length > 0);
    return drawn.length > 0 ? [lineChart(title, drawn)] : [];
  });
  const hasValidation = log.some((epoch) => "valid_loss" in epoch);
  const hint = `By epoch${hasValidation ? "; dashed: the rows held out" : ""}.`;
  return section("run", "Training", hint, element("div", { className: "charts" }, ...charts));
}

/** "1, 2 and 3" */
function listed(items) {
  return items.length > 1
    ? `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`
    : String(items[0]);
}

/** What the model is, in sentences. */
function modelWords({ config, arrays }) {
  const product = (sides) => sides.reduce((a, b) => a * b, 1);
  const { convolution: maps, hidden, input_shape: shape } = config;
  const parts = [];
  if (maps) {
    const back = maps.upsample === "nearest" ? "resizing" : "transposed convolutions";
    parts.push(
      `convolutions of ${listed(maps.channels)} channels, kernel ${maps.kernel}, ` +
        `stride ${maps.stride}, with ${back} on the way back`,
    );
    if (maps.residual) parts.push(`${count(maps.residual, "residual pair")} on either side`);
  }
  if (hidden.length) parts.push(`dense layers of ${listed(hidden)}`);
  const names = Object.keys(arrays).filter((name) => name.startsWith("decoder."));
  const parameters = names.reduce((sum, name) => sum + product(arrays[name].shape), 0);
  const kind = config.model === "ae" ? "A plain" : "A variational";
  const layers = listed(parts.length ? parts : ["linear maps"]);
  const norm = config.batch_norm ? ", with batch normalisation" : "";
  const sigma = config.sigma === undefined ? "" : ` with standard deviation ${config.sigma}`;
  const beta = config.model === "ae" ? "" : `, β is ${config.beta}`;
  const given = config.classes
    ? [`It is given the label of each row, one of ${config.classes.length}.`]
    : [];
  return [
    `${kind} autoencoder of rows of ${shape.join(" × ")} values with ` +
      `${count(config.latent, "latent")}: ${layers}, ${config.activation}${norm}.`,
    ...given,
    `The likelihood is ${config.likelihood}${sigma}${beta}.`,
    `Its decoder, ${count(parameters, "parameter")}, runs in this page.`,
  ];
}

/** How the model came to be, in sentences; what its record does not say is left out. */
function trainingWords({ training }) {
  const { epochs, epoch, rows, options, last, validation_rows: held } = training ?? {};
  if (!Number.isFinite(epochs) || !Number.isFinite(rows)) return [];
  const { optimizer: rule, lr: rate, batch } = options ?? {};
  const apart = held > 0 ? `, ${grouped(held)} more held out` : "";
  const how = rule ? ` in batches of ${batch}, by ${rule} with a learning rate of ${rate}` : "";
  const sentences = [
    `It learned from ${count(rows, "row")}${apart}, for ${count(epochs, "epoch")}${how}.`,
  ];
  if (Number.isFinite(epoch) && epoch !== epochs) {
    sentences.push(`Its weights are those of epoch ${epoch}.`);
  }
  const { loss, reconstruction, kl } = last?.training ?? {};
  if (Number.isFinite(loss)) {
    const terms = Number.isFinite(kl)
      ? `, ${short(reconstruction)} of reconstruction and ${short(kl)} of divergence`
      : "";
    sentences.push(`At the end its loss was ${short(loss)} nats a row${terms}.`);
  }
  return sentences;
}

function recordSection({ content }) {
  const lines = content.facts.map(([name, value]) => {
    const head = element("th", { scope: "row" }, named(name));
    return element("tr", {}, head, element("td", {}, named(value)));
  });
  const all = element(
    "details", {},
    element("summary", { textContent: "Everything that the file says of itself" }),
    element("div", { className: "scroll", tabIndex: 0 }, element("table", {}, ...lines)),
  );
  const words = visible([...modelWords(content), ...trainingWords(content)].join(" "));
  const summary = element("p", { className: "words", textContent: words });
  return section("record", "The model", "", summary, all);
}
