// What is on the page: status line, progress bar, chart, controls, warnings, fresh samples. Heights are fixed in the
// style sheet, so nothing jumps while a run goes on.

const STATE_WORDS = {
  queued: "Waiting in the queue",
  starting: "Starting",
  running: "Training",
  done: "Done",
  stopped: "Stopped",
  failed: "Failed",
  died: "Broke off",
  damaged: "Damaged",
}

function buildView(parent) {
  const make = (tag, name, attributes = {}, children = []) => element(tag, { class: `live-${name}`, ...attributes }, children)
  const view = {
    dot: make("span", "dot", { "aria-hidden": "true" }),
    state: make("span", "state heading", { text: "Looking for the run" }),
    facts: make("span", "facts quiet"),
    spoken: element("div", { class: "unseen", role: "status", "aria-live": "polite" }),
    bar: make("div", "bar-filled"),
    chart: make("div", "chart", { role: "img", "aria-label": "Loss curves" }),
    smoothing: element("input", { type: "range", min: 0, max: 0.99, step: 0.01, value: 0.8, "aria-label": "Smoothing" }),
    smoothingValue: element("output", { text: "0.80" }),
    log: element("input", { type: "checkbox" }),
    axis: element("select", {}, [element("option", { value: "steps", text: "steps" }), element("option", { value: "epochs", text: "epochs" })]),
    reset: element("button", { type: "button", text: "Reset zoom" }),
    warnings: make("div", "warnings"),
    preview: make("canvas", "preview", { role: "img", "aria-label": "Fresh sample paths" }),
    previewTitle: make("span", "preview-title quiet"),
    inside: make("div", "inside"),
  }
  view.track = make("div", "bar", { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": "Training progress" }, [view.bar])
  view.root = element("div", { class: "synthfin live" }, [
    make("div", "line", {}, [view.dot, view.state, view.facts]),
    view.spoken,
    view.track,
    view.chart,
    make("div", "controls", {}, [
      element("label", {}, [element("span", { text: "Smoothing" }), view.smoothing, view.smoothingValue]),
      element("label", {}, [view.log, element("span", { text: "Log axis" })]),
      element("label", {}, [element("span", { text: "Along" }), view.axis]),
      view.reset,
    ]),
    view.warnings,
    make("div", "samples", {}, [
      make("div", "samples-head", {}, [element("span", { class: "heading", text: "Fresh samples" }), view.previewTitle]),
      view.preview,
    ]),
    view.inside,
  ])
  parent.append(view.root)
  return view
}

function showStatus(view, status, losses = {}) {
  const { state } = status
  view.root.dataset.state = state
  setText(view.state, STATE_WORDS[state] ?? state)
  setText(view.facts, factsOf(status).join(" · "))
  const share = status.steps ? Math.min(1, status.step / status.steps) : state === "done" ? 1 : 0
  view.bar.style.width = `${100 * share}%`
  view.track.setAttribute("aria-valuenow", Math.round(100 * share))
  const spoken = `${STATE_WORDS[state] ?? state}. ${status.message ?? ""}`.trim()
  setText(view.spoken, spoken)
  showWarnings(view, status)
  showInside(view, status.diagnostics ?? {}, losses)
}

function factsOf(status) {
  const { state } = status
  if (state === "queued") return status.queue_place ? [`place ${status.queue_place}`] : []
  const facts = []
  const whole = (value) => Number(value).toLocaleString("en")
  if (status.steps) facts.push(`step ${whole(status.step)} of ${whole(status.steps)}`)
  if (status.epochs) facts.push(`epoch ${whole(status.epoch)} of ${whole(status.epochs)}`)
  if (state === "running") {
    if (status.steps_per_second) facts.push(`${readableNumber(status.steps_per_second, 2)} steps/s`)
    if (Number.isFinite(status.seconds_left)) facts.push(`${readableTime(status.seconds_left)} left`)
  } else if (status.seconds && state !== "starting") {
    facts.push(`${readableTime(status.seconds)} of training`)
  }
  return facts
}

function showWarnings(view, status) {
  const troubles = [...(status.warnings ?? [])]
  const bad = ["failed", "died", "damaged"].includes(status.state)
  if (bad && status.message) troubles.unshift(status.message)
  const quiet = ["running", "done"].includes(status.state) ? "Nothing looks wrong." : status.message || ""
  const lines = troubles.length ? troubles : [quiet]
  view.warnings.dataset.kind = bad ? "failure" : troubles.length ? "warning" : "quiet"
  if (view.warnings.dataset.shown === lines.join("\n")) return
  view.warnings.dataset.shown = lines.join("\n")
  view.warnings.replaceChildren(...lines.map((text) => element("p", { text })))
}

const MOST_BARS = 32
const MOST_UNITS = 20 // more bars would leave no room for the words on a phone

/** Small upright bars, the tallest `most` high, that a reader of the page hears as `label`. */
function bars(values, most, label) {
  const drawn = values.map((value) => {
    const bar = element("span", { class: "live-small-bar" })
    bar.style.height = `${Math.max(6, Math.min(100, (100 * value) / most))}%`
    return bar
  })
  return element("span", { class: "live-small-bars", role: "img", "aria-label": label }, drawn)
}

/** What a number was over the training: at most `MOST_BARS` of the values reported, the last one included. */
function pastOf(losses, name) {
  const known = (losses[name] ?? []).filter((value) => Number.isFinite(value))
  const count = Math.min(MOST_BARS, known.length)
  return Array.from({ length: count }, (_, i) => known[Math.round(((i + 1) * known.length) / count) - 1])
}

/**
 * How the model looks from inside: the KL of each latent dimension as small bars, other numbers as words, with small
 * bars for what they were before where that was reported beside the losses.
 */
function showInside(view, diagnostics, losses) {
  const { active_units: active, kl_per_dimension: kl, spread, ...rest } = diagnostics
  const before = Object.fromEntries(Object.keys(rest).map((name) => [name, pastOf(losses, name)]))
  const shown = JSON.stringify([diagnostics, before])
  if (view.inside.dataset.shown === shown) return
  view.inside.dataset.shown = shown
  const parts = []
  if (Array.isArray(kl) && kl.length) {
    const most = Math.max(...kl, 1e-9)
    const sorted = [...kl].sort((a, b) => b - a).slice(0, MOST_UNITS)
    const words = Number.isFinite(active) ? `${active} of ${kl.length} latent units active` : `${kl.length} latent units`
    const label = `KL of each latent unit, largest ${readableNumber(most)} nats`
    parts.push(element("span", { class: "live-fact", title: label }, [bars(sorted, most, label), element("span", { text: words })]))
  } else if (Number.isFinite(active)) {
    parts.push(element("span", { class: "live-fact", text: `${active} latent units active` }))
  }
  if (Array.isArray(spread) && spread.length) {
    const ends = [...new Set([Math.min(...spread), Math.max(...spread)].map((value) => readableNumber(value, 2)))]
    const label = "Standard deviation of each series, generated over real"
    parts.push(element("span", { class: "live-fact", title: label, text: `spread ${ends.join(" to ")}` }))
  }
  for (const [name, value] of Object.entries(rest)) {
    if (typeof value !== "number") continue
    const words = element("span", { text: `${name.replaceAll("_", " ")} ${readableNumber(value)}` })
    const past = before[name]
    if (past.length < 2) parts.push(element("span", { class: "live-fact" }, [words]))
    else {
      const most = Math.max(...past, 1e-9)
      const label = `${name.replaceAll("_", " ")} from the first step to the last, highest ${readableNumber(most)}`
      parts.push(element("span", { class: "live-fact", title: label }, [bars(past, most, label), words]))
    }
  }
  view.inside.replaceChildren(...parts)
}
