// Many thin lines on one canvas, with axes. One call draws a frame; a dozen paths of sixty points take about a
// millisecond, which an SVG chart does not reach.

const MARGIN = { left: 52, right: 10, top: 10, bottom: 26 }

function tickStep(span, count) {
  const rough = span / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(rough))
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough)
  return factor * power
}

function ticks(low, high, count) {
  const step = tickStep(high - low, count)
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  return { step, values: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step) }
}

/** Lowest and highest finite value of some paths, with a little air. */
function rangeOf(paths) {
  let low = Infinity
  let high = -Infinity
  for (const path of paths) {
    for (const value of path) {
      if (value < low) low = value
      if (value > high) high = value
    }
  }
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1]
  const air = (high - low) * 0.06 || Math.abs(high) * 0.06 || 1
  return [low - air, high + air]
}

/** A range that grows at once and shrinks only when much of it is empty, so that the axis does not tremble. */
function calmRange(before, wanted) {
  if (!before) return wanted
  const outside = wanted[0] < before[0] || wanted[1] > before[1]
  const tooWide = before[1] - before[0] > 2.5 * (wanted[1] - wanted[0])
  if (tooWide) return wanted
  return outside ? [Math.min(before[0], wanted[0]), Math.max(before[1], wanted[1])] : before
}

/** An empty canvas as sharp as the screen, or null while it is not shown. */
function cleared(canvas) {
  const ratio = window.devicePixelRatio || 1
  const { clientWidth: width, clientHeight: height } = canvas
  if (width === 0 || height === 0) return null
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio)
    canvas.height = Math.round(height * ratio)
  }
  const context = canvas.getContext("2d")
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  return context
}

/**
 * Draws groups of paths; a group is { paths, color, alpha, width } and later groups lie on top.
 * All paths share the x axis 0, 1, 2, ...
 */
function drawLines(canvas, { groups, range, theme, xTitle }) {
  const context = cleared(canvas)
  if (!context) return
  const { clientWidth: width, clientHeight: height } = canvas
  const longest = Math.max(2, ...groups.flatMap((group) => group.paths.map((path) => path.length)))
  const x = (i) => MARGIN.left + (i / (longest - 1)) * (width - MARGIN.left - MARGIN.right)
  const y = (v) => MARGIN.top + ((range[1] - v) / (range[1] - range[0])) * (height - MARGIN.top - MARGIN.bottom)
  drawAxes(context, { width, height, x, y, longest, range, theme, xTitle })
  context.save()
  context.beginPath()
  context.rect(MARGIN.left, MARGIN.top, width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom)
  context.clip()
  context.lineJoin = "round"
  for (const { paths, color, alpha = 1, width: lineWidth = 1.25 } of groups) {
    context.globalAlpha = alpha
    context.lineWidth = lineWidth
    paths.forEach((path, index) => {
      context.strokeStyle = Array.isArray(color) ? color[index % color.length] : color
      context.beginPath()
      for (let i = 0; i < path.length; i++) context.lineTo(x(i), y(path[i]))
      context.stroke()
    })
  }
  context.restore()
}

function drawAxes(context, { width, height, x, y, longest, range, theme, xTitle }) {
  context.font = `12px ${theme.font}`
  context.lineWidth = 1
  context.fillStyle = theme.text
  context.strokeStyle = theme.grid
  const vertical = ticks(range[0], range[1], Math.max(4, Math.round(height / 45)))
  const decimals = Math.min(8, Math.max(0, -Math.floor(Math.log10(vertical.step) + 1e-9)))
  const large = Math.max(Math.abs(range[0]), Math.abs(range[1])) >= 1e5 // such labels would not fit: 8.25M, 4.5B
  const digits = large
    ? { notation: "compact", maximumFractionDigits: 3 }
    : { minimumFractionDigits: decimals, maximumFractionDigits: decimals }
  const format = new Intl.NumberFormat("en", digits)
  context.textAlign = "right"
  context.textBaseline = "middle"
  for (const value of vertical.values) {
    const at = Math.round(y(value)) + 0.5
    context.beginPath()
    context.moveTo(MARGIN.left, at)
    context.lineTo(width - MARGIN.right, at)
    context.stroke()
    context.globalAlpha = 0.75
    context.fillText(format.format(value), MARGIN.left - 8, at)
    context.globalAlpha = 1
  }
  context.textBaseline = "alphabetic"
  context.globalAlpha = 0.75
  const horizontal = ticks(0, longest - 1, Math.max(2, Math.min(8, Math.floor(width / 90))))
  for (const value of horizontal.values) {
    if (value !== Math.round(value)) continue
    context.textAlign = value === longest - 1 ? "right" : "center"
    context.fillText(String(value), x(value), height - 8)
  }
  context.textAlign = "right"
  if (xTitle && horizontal.values.at(-1) < 0.9 * (longest - 1)) context.fillText(xTitle, width - MARGIN.right, height - 8)
  context.globalAlpha = 1
}

function drawEmpty(canvas, theme, words) {
  const context = cleared(canvas)
  if (!context) return
  context.fillStyle = theme.text
  context.globalAlpha = 0.75
  context.textAlign = "center"
  context.font = `13px ${theme.font}`
  context.fillText(words, canvas.clientWidth / 2, canvas.clientHeight / 2)
  context.globalAlpha = 1
}
