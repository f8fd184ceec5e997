// The sliders, one a latent dimension, and the picture that they move.

const SHOWN = 6

function buildLatentView(parent) {
  const make = (tag, name, attributes = {}, children = []) => element(tag, { class: `latent-${name}`, ...attributes }, children)
  const button = (text, title) => element("button", { type: "button", text, title })
  const view = {
    canvas: make("canvas", "canvas", { role: "img", "aria-label": "Paths at the sliders' position" }),
    series: element("select", { "aria-label": "Series" }),
    zero: button("Zero", "Every slider that is not held, back to the middle"),
    random: button("Random", "A draw from the prior for every slider that is not held"),
    seed: element("input", { type: "number", min: 0, max: 999999, step: 1, value: 1, "aria-label": "Seed of the random draw" }),
    noise: button("New noise", "The same point with other noise"),
    ghost: element("input", { type: "checkbox", checked: true }),
    facts: make("span", "facts quiet"),
    rows: make("div", "rows"),
    foldedRows: make("div", "rows"),
    foldedTitle: element("summary", {}),
  }
  view.ghost.checked = true
  view.folded = make("details", "folded", {}, [view.foldedTitle, view.foldedRows])
  view.root = element("div", { class: "synthfin latent", "data-redraws": 0 }, [
    make("div", "buttons", {}, [
      view.zero,
      view.random,
      element("label", {}, [element("span", { text: "Seed" }), view.seed]),
      view.noise,
      element("label", {}, [view.ghost, element("span", { text: "Show before" })]),
    ]),
    make("div", "columns", {}, [
      make("div", "picture", {}, [
        make("div", "head", {}, [element("label", {}, [element("span", { text: "Series" }), view.series]), view.facts]),
        view.canvas,
      ]),
      make("div", "sliders", {}, [view.rows, view.folded]),
    ]),
  ])
  parent.append(view.root)
  return view
}

/** One slider with its value, a box that holds it in place, and a button that puts it back to zero. */
function sliderRow(dim) {
  const row = {
    index: dim.index,
    input: element("input", { type: "range", min: dim.low, max: dim.high, step: "any", value: 0, "aria-label": dim.label }),
    value: element("output", { class: "latent-value", text: "0.00" }),
    hold: element("input", { type: "checkbox", "aria-label": `Hold ${dim.label}` }),
    reset: element("button", { type: "button", text: "0", title: `${dim.label} back to zero`, "aria-label": `${dim.label} back to zero` }),
  }
  row.input.step = (dim.high - dim.low) / 400
  row.root = element("div", { class: "latent-row", "data-dimension": dim.index }, [
    element("div", { class: "latent-name" }, [
      element("span", { text: dim.label }),
      element("span", { class: "quiet", text: Number.isFinite(dim.kl) ? `${dim.kl.toFixed(2)} nats` : "" }),
    ]),
    row.input,
    row.value,
    element("label", { class: "latent-hold", title: "Held sliders stay when others go to zero or to random" }, [row.hold, element("span", { text: "hold" })]),
    row.reset,
  ])
  return row
}

function showValue(row, value) {
  if (Number(row.input.value) !== value) row.input.value = value
  setText(row.value, value.toFixed(2))
  row.input.setAttribute("aria-valuetext", value.toFixed(2))
}

/** Standard normal draws that a seed settles (mulberry32, then Box and Muller). */
function normals(seed, count) {
  let state = (seed * 0x9e3779b1) >>> 0
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()))
}
