// Small helpers that both components share. Text from data is only ever set as text, never as HTML.

function element(tag, { text, ...attributes } = {}, children = []) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    node.setAttribute(name, value === true ? "" : String(value))
  }
  if (text !== undefined) node.textContent = text
  node.append(...children)
  return node
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/** Whether a colour is a dark one, by how bright the eye sees it. */
function isDark(colour) {
  const context = document.createElement("canvas").getContext("2d")
  context.fillStyle = colour
  context.fillRect(0, 0, 1, 1)
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data
  return 0.299 * red + 0.587 * green + 0.114 * blue < 128
}

/** Theme colours as Streamlit hands them to components; a colour that is not set falls back to the text colour. */
function readTheme(node) {
  const style = getComputedStyle(node)
  const value = (name, fallback) => {
    const found = style.getPropertyValue(name).trim()
    return found && found !== "unset" ? found : fallback
  }
  const text = value("--st-text-color", style.color)
  const palette = value("--st-chart-categorical-colors", value("--st-primary-color", text))
  // Sliders and boxes that the browser draws itself follow suit.
  node.style.colorScheme = isDark(value("--st-background-color", "white")) ? "dark" : "light"
  return {
    text,
    background: value("--st-background-color", "transparent"),
    border: value("--st-border-color", text),
    grid: value("--st-border-color-light", value("--st-border-color", text)),
    primary: value("--st-primary-color", text),
    font: value("--st-font", "sans-serif"),
    palette: palette.split(/,(?![^(]*\))/).map((colour) => colour.trim()),
  }
}

function readableNumber(value, digits = 3) {
  if (!Number.isFinite(value)) return "–"
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(1)
  return value.toLocaleString("en", { maximumSignificantDigits: Math.max(digits, size >= 1 ? Math.ceil(Math.log10(size + 1)) : 1) })
}

function readableTime(seconds) {
  if (!Number.isFinite(seconds)) return ""
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** Plotly.js, fetched once a page from the app's own server; a failed attempt leaves room for another. */
function loadPlotly(url) {
  if (window.Plotly) return Promise.resolve(window.Plotly)
  window.synthfinPlotly ??= new Promise((resolve, reject) => {
    const script = element("script", { src: url, async: true })
    script.onload = () => resolve(window.Plotly)
    script.onerror = () => {
      script.remove()
      window.synthfinPlotly = undefined
      reject(new Error("Plotly could not be fetched"))
    }
    document.head.append(script)
  })
  return window.synthfinPlotly
}
