// The curves of a run: what is held of them, how they are smoothed, and how they are drawn with Plotly.

const MOST_POINTS = 4000

function emptyCurves() {
  return { step: [], losses: {}, next: 0 }
}

/**
 * Adds what the server sent. When the run was cut back or holds too many points, everything is asked for anew and
 * comes thinned out.
 */
function addRecords(held, answer) {
  const last = held.step.at(-1)
  const startsOver = answer.next < held.next || (answer.step.length > 0 && last !== undefined && answer.step[0] <= last)
  if (startsOver) Object.assign(held, emptyCurves())
  const before = held.step.length
  for (const step of answer.step) held.step.push(step)
  for (const [name, values] of Object.entries(answer.losses)) {
    held.losses[name] ??= new Array(before).fill(null)
    for (const value of values) held.losses[name].push(value)
  }
  for (const values of Object.values(held.losses)) while (values.length < held.step.length) values.push(null)
  held.next = held.step.length > MOST_POINTS ? 0 : answer.next
  if (held.next === 0 && held.step.length > MOST_POINTS) held.refill = true
  return answer.step.length > 0 || startsOver
}

/**
 * Exponential mean that forgets by distance on the axis, with the bias of its start taken out:
 * a point a two-hundredth of the axis back counts `weight` times as much. So the look stays as points get more.
 */
function smoothed(step, values, weight) {
  if (weight <= 0) return values
  const span = step.at(-1) - step[0] || 1
  let sum = 0
  let total = 0
  let before = step[0]
  return values.map((value, i) => {
    if (value === null || !Number.isFinite(value)) return null
    const kept = weight ** ((200 * (step[i] - before)) / span)
    before = step[i]
    sum = sum * kept + value
    total = total * kept + 1
    return sum / total
  })
}

function traces(held, { names, labels, smoothing, log, perEpoch, theme }) {
  const x = perEpoch ? held.step.map((step) => step * perEpoch) : held.step
  const drawable = (values) => (log ? values.map((value) => (value > 0 ? value : null)) : values)
  return names.filter((name) => held.losses[name]).flatMap((name) => {
    const at = names.indexOf(name)
    const color = theme.palette[at % theme.palette.length]
    const raw = held.losses[name]
    const line = { x, mode: "lines", type: "scatter", legendgroup: name, name: labels[name] ?? name }
    const main = {
      ...line,
      y: drawable(smoothed(held.step, raw, smoothing)),
      line: { color, width: 2 },
      hovertemplate: "%{y:.4g}",
    }
    const faint = { ...line, y: drawable(raw), line: { color, width: 1 }, opacity: 0.25, showlegend: false, hoverinfo: "skip" }
    return smoothing > 0 ? [faint, main] : [main]
  })
}

function layout({ log, perEpoch, theme, runId, narrow, empty, hides }) {
  const axis = { gridcolor: theme.grid, zerolinecolor: theme.border, linecolor: theme.border, automargin: false }
  const along = perEpoch ? "epoch" : "step"
  return {
    // Zoom and hidden curves stay as they are until another run or another axis is chosen.
    uirevision: `${runId} ${log} ${Boolean(perEpoch)}`,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.font, color: theme.text, size: 12 },
    margin: { l: 52, r: 10, t: 34, b: 42 },
    xaxis: { ...axis, title: { text: hides ? `${along} (values at or below zero are left out)` : along, standoff: 8 }, rangemode: "tozero", ...(empty ? { range: [0, 1] } : {}) },
    yaxis: { ...axis, type: log ? "log" : "linear", nticks: 6, exponentformat: "power", ...(empty ? { range: [0, 1] } : {}) },
    legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", font: { size: narrow ? 11 : 12 } },
    hovermode: "x unified",
    hoverlabel: { bgcolor: theme.background, bordercolor: theme.border, font: { color: theme.text } },
    dragmode: "zoom",
    annotations: empty
      ? [{ text: "The curves begin with the first step.", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5 }]
      : [],
  }
}
