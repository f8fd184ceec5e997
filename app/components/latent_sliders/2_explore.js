// Moves with the hand: every change asks the server to decode the point. One request is in flight at a time and the
// newest point goes next, so a slow server makes the picture coarser in time, never late.

class Explorer {
  constructor(parent) {
    this.view = buildLatentView(parent)
    this.z = []
    this.rows = []
    this.told = 0
    this.noise = 0
    this.failures = 0
    this.connect()
    this.resized = new ResizeObserver(() => this.draw())
    this.resized.observe(this.view.canvas)
  }

  /** Takes what Python sent; called again after every rerun of the page and when the theme changes. */
  update({ data, setTriggerValue }) {
    const before = this.data
    this.data = data
    this.trigger = setTriggerValue
    this.theme = readTheme(this.view.root)
    const otherModel = data.run_id !== before?.run_id
    if (JSON.stringify(data.dims) !== JSON.stringify(before?.dims)) this.buildRows()
    if (JSON.stringify(data.names) !== JSON.stringify(before?.names)) this.buildNames()
    if (otherModel) {
      this.shown = null
      this.before = null
      this.range = null
    }
    // Python's position counts unless it was sent before it heard of the latest release.
    const heardAll = data.heard >= this.told
    const moved = data.z0.some((value, i) => Math.abs(value - (this.z[i] ?? Infinity)) > 1e-9)
    if (otherModel || (heardAll && !this.dragging && moved)) {
      this.keepBefore()
      this.z = [...data.z0]
      this.showValues()
      this.range = null
      this.want()
    } else this.draw()
  }

  buildRows() {
    const { view, data } = this
    this.rows = data.dims.map(sliderRow)
    const isFolded = (dim, rank) => dim.folded ?? rank >= SHOWN
    const folded = this.rows.filter((_, rank) => isFolded(data.dims[rank], rank))
    view.rows.replaceChildren(...this.rows.filter((row) => !folded.includes(row)).map((row) => row.root))
    view.foldedRows.replaceChildren(...folded.map((row) => row.root))
    view.folded.hidden = folded.length === 0
    setText(view.foldedTitle, folded.length === 1 ? "One more dimension" : `${folded.length} more dimensions`)
    for (const row of this.rows) {
      row.input.oninput = (event) => this.drag(row, event)
      row.input.onchange = () => this.releaseSoon()
      row.reset.onclick = () => this.jump((z) => (z[row.index] = 0))
    }
  }

  buildNames() {
    const { view, data } = this
    view.series.replaceChildren(...data.names.map((name, i) => element("option", { value: i, text: name })))
  }

  connect() {
    const { view } = this
    const free = () => this.rows.filter((row) => !row.hold.checked)
    view.zero.onclick = () => this.jump((z) => free().forEach((row) => (z[row.index] = 0)))
    view.random.onclick = () => {
      const seed = Number(view.seed.value) || 0
      const draws = normals(seed, this.z.length)
      view.seed.value = seed + 1
      this.jump((z) => free().forEach((row) => (z[row.index] = draws[row.index])))
    }
    view.noise.onclick = () => {
      this.noise += 1
      this.keepBefore()
      this.want()
    }
    view.series.onchange = () => {
      this.range = null
      this.draw()
    }
    view.ghost.onchange = () => this.draw()
  }

  showValues() {
    for (const row of this.rows) showValue(row, this.z[row.index])
  }

  /** What is shown now stays visible behind what comes. */
  keepBefore() {
    if (this.shown) this.before = this.shown
  }

  drag(row, event) {
    if (!this.dragging) this.keepBefore()
    this.dragging = true
    this.z[row.index] = Number(row.input.value)
    showValue(row, this.z[row.index])
    this.want(event.timeStamp)
  }

  /** A key that is held down lets go at every step; the page hears of the last one. */
  releaseSoon() {
    clearTimeout(this.releasing)
    this.releasing = setTimeout(() => this.release(), 150)
  }

  release() {
    clearTimeout(this.releasing)
    this.dragging = false
    this.told = Date.now()
    this.trigger("released", { z: [...this.z], n: this.told })
    this.draw()
  }

  jump(change) {
    this.keepBefore()
    change(this.z)
    this.showValues()
    this.range = null
    this.want()
    this.release()
  }

  want(since = performance.now()) {
    this.wanted = { z: Float32Array.from(this.z), since, runId: this.data.run_id, noise: this.noise }
    if (!this.asking) this.ask()
  }

  async ask() {
    this.asking = true
    clearTimeout(this.retry)
    while (this.wanted && !this.gone) {
      const { z, since, runId, noise } = this.wanted
      this.wanted = null
      try {
        const shown = await this.decode(z, runId, noise)
        if (runId !== this.data.run_id) continue
        this.failures = 0
        this.shown = shown
        this.draw()
        this.view.root.dataset.redraws = Number(this.view.root.dataset.redraws) + 1
        this.view.root.dataset.latency = (performance.now() - since).toFixed(1)
      } catch (error) {
        this.failed(error, { z, since, runId, noise })
        break
      }
    }
    this.asking = false
  }

  failed(error, asked) {
    if (this.gone) return
    setText(this.view.facts, error.message)
    if (error.final) return
    this.failures += 1
    this.wanted ??= asked
    this.retry = setTimeout(() => this.ask(), Math.min(5000, 400 * 2 ** this.failures))
  }

  /** Paths at a point: { paths, steps, series, values }, values as the server sent them. */
  async decode(z, runId, noise) {
    const { base, paths, seed } = this.data
    const query = `seed=${seed + noise}&paths=${paths}`
    const url = new URL(`${base}/runs/${encodeURIComponent(runId)}/decode?${query}`, document.baseURI)
    this.abort = new AbortController()
    let answer
    try {
      answer = await fetch(url, { method: "POST", body: z, signal: this.abort.signal })
    } catch {
      throw new Error("The server does not answer; trying again.")
    }
    if (!answer.ok) {
      const known = answer.headers.get("Content-Type")?.startsWith("application/json")
      const sentence = known ? (await answer.json()).error : `The server answered ${answer.status}; trying again.`
      throw Object.assign(new Error(sentence), { final: known })
    }
    const [count, steps, series] = answer.headers.get("X-Shape").split(",").map(Number)
    return { count, steps, series, values: new Float32Array(await answer.arrayBuffer()) }
  }

  /** The paths of the chosen series: those drawn, and the mean. */
  pathsOf({ count, steps, series, values }) {
    const at = Math.min(Number(this.view.series.value) || 0, series - 1)
    const path = (i) => Float32Array.from({ length: steps }, (_, j) => values[(i * steps + j) * series + at])
    const all = Array.from({ length: count }, (_, i) => path(i))
    return { drawn: all.slice(0, -1), mean: all.at(-1) }
  }

  draw() {
    const { view, theme, shown } = this
    if (!theme) return
    if (!shown) return drawEmpty(view.canvas, theme, "Loading the model.")
    const now = this.pathsOf(shown)
    const before = view.ghost.checked && this.before ? this.pathsOf(this.before) : { drawn: [], mean: [] }
    const fitting = rangeOf([...now.drawn, now.mean, before.mean])
    this.range = this.dragging ? calmRange(this.range, fitting) : calmRange(null, fitting)
    drawLines(view.canvas, {
      groups: [
        { paths: before.drawn, color: theme.text, alpha: 0.12, width: 1 },
        { paths: now.drawn, color: theme.palette[0], alpha: 0.45, width: 1.1 },
        { paths: [before.mean], color: theme.text, alpha: 0.4, width: 2 },
        { paths: [now.mean], color: theme.palette[1 % theme.palette.length], width: 2.75 },
      ],
      range: this.range,
      theme,
      xTitle: "bar",
    })
    const words = `mean path ends at ${readableNumber(now.mean.at(-1), 4)}`
    setText(view.facts, words)
    view.canvas.setAttribute("aria-label", `${now.drawn.length} paths at the sliders' position; the ${words}`)
  }

  end() {
    this.gone = true
    clearTimeout(this.retry)
    this.abort?.abort()
    this.resized.disconnect()
    this.view.root.remove()
  }
}

const explorers = new WeakMap()

export default function (component) {
  const { parentElement } = component
  let explorer = explorers.get(parentElement)
  if (!explorer) {
    explorer = new Explorer(parentElement)
    explorers.set(parentElement, explorer)
  }
  explorer.update(component)
  return () => {
    explorer.end()
    explorers.delete(parentElement)
  }
}
