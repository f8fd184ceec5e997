// Follows a run: asks the server for what is new while the run goes on, and draws it.

const RUNNING_EVERY = 250
const WAITING_EVERY = 300
const HIDDEN_EVERY = 2000
const LONGEST_WAIT = 5000
const ACTIVE_STATES = ["queued", "starting", "running"]

class Follower {
  constructor(parent) {
    this.view = buildView(parent)
    this.held = emptyCurves()
    this.polls = 0
    this.failures = 0
    this.connectControls()
    this.resized = new ResizeObserver(() => this.onResize())
    this.resized.observe(this.view.root)
  }

  /** Takes what Python sent; called again after every rerun of the page and when the theme changes. */
  update({ data, setTriggerValue }) {
    this.data = data
    this.trigger = setTriggerValue
    this.theme = readTheme(this.view.root)
    if (data.run_id !== this.runId) this.begin(data.run_id)
    else if (!this.timer && !this.asking) this.ask()
    this.drawChart()
    this.drawPreview()
  }

  begin(runId) {
    this.runId = runId
    this.held = emptyCurves()
    this.preview = null
    this.previewRange = undefined
    this.previewStep = null
    this.wasActive = false
    this.status = null
    this.failures = 0
    this.stopTimer()
    this.abort?.abort()
    this.asking = false
    delete this.view.root.dataset.state
    setText(this.view.previewTitle, "")
    if (runId) this.ask()
    else showStatus(this.view, { state: "stopped", message: "No run is chosen." })
  }

  stopTimer() {
    clearTimeout(this.timer)
    this.timer = undefined
  }

  url(what) {
    return new URL(`${this.data.base}/runs/${encodeURIComponent(this.runId)}/${what}`, document.baseURI)
  }

  async ask() {
    if (!this.runId) return
    this.stopTimer()
    this.asking = true
    const runId = this.runId
    this.abort = new AbortController()
    const giveUp = setTimeout(() => this.abort.abort(), 10000)
    let wait
    try {
      const answer = await fetch(this.url(`progress?offset=${this.held.next}`), { signal: this.abort.signal })
      if (this.runId !== runId) return
      if (answer.status === 404) return this.lost((await answer.json()).error)
      if (!answer.ok) throw new Error(`The server answered ${answer.status}`)
      wait = await this.take(await answer.json(), runId)
      this.failures = 0
    } catch {
      if (this.runId !== runId || this.gone) return
      this.failures += 1
      wait = Math.min(LONGEST_WAIT, 400 * 2 ** this.failures)
      setText(this.view.facts, "the server does not answer; trying again")
    } finally {
      clearTimeout(giveUp)
      if (this.runId === runId) this.asking = false
    }
    if (wait !== null && !this.gone) this.timer = setTimeout(() => this.ask(), wait)
  }

  lost(sentence) {
    showStatus(this.view, { state: "damaged", message: sentence })
    setText(this.view.state, "Not found")
  }

  /** Shows an answer and says how long to wait for the next, or null when the run has ended. */
  async take(answer, runId) {
    const { status } = answer
    this.status = status
    this.polls += 1
    this.view.root.dataset.polls = this.polls
    const grown = addRecords(this.held, answer)
    this.view.root.dataset.points = this.held.step.length
    showStatus(this.view, status, this.held.losses)
    if (grown || !this.drawn) this.drawChart()
    if (answer.preview_step !== null && answer.preview_step !== this.previewStep) await this.fetchPreview(answer.preview_step, runId)
    const active = ACTIVE_STATES.includes(status.state)
    if (active) this.wasActive = true
    else if (this.wasActive) {
      this.wasActive = false
      this.trigger("ended", status.state)
    }
    if (this.held.refill) {
      this.held.refill = false
      return 0
    }
    if (!active) return null
    if (document.hidden) return HIDDEN_EVERY
    return status.state === "running" ? RUNNING_EVERY : WAITING_EVERY
  }

  async fetchPreview(step, runId) {
    const answer = await fetch(this.url("preview"), { signal: this.abort.signal })
    if (!answer.ok || this.runId !== runId) return
    this.preview = await answer.json()
    this.previewStep = step
    this.drawPreview()
  }

  connectControls() {
    const { smoothing, smoothingValue, log, axis, reset } = this.view
    smoothing.oninput = () => {
      setText(smoothingValue, Number(smoothing.value).toFixed(2))
      this.drawChart()
    }
    log.onchange = () => this.drawChart()
    axis.onchange = () => this.drawChart()
    reset.onclick = () => this.plotly?.relayout(this.view.chart, { "xaxis.autorange": true, "yaxis.autorange": true })
  }

  drawChart() {
    if (this.waitingForFrame) return
    this.waitingForFrame = true
    requestAnimationFrame(() => {
      this.waitingForFrame = false
      this.drawChartNow()
    })
  }

  async drawChartNow() {
    if (this.gone) return
    try {
      this.plotly ??= await loadPlotly(this.data.plotly)
    } catch {
      setTimeout(() => this.drawChart(), 2000)
      return
    }
    const { view, held, status, data, theme } = this
    const perEpoch = view.axis.value === "epochs" && status?.steps ? status.epochs / status.steps : 0
    const options = {
      names: data.curves,
      labels: data.labels,
      smoothing: Number(view.smoothing.value),
      log: view.log.checked,
      perEpoch,
      theme,
      runId: this.runId,
      narrow: view.root.clientWidth < 480,
      empty: held.step.length === 0,
    }
    const drawn = traces(held, options)
    const hides = options.log && drawn.some((trace) => trace.y.some((value) => value === null))
    await this.plotly.react(view.chart, drawn, layout({ ...options, hides }), { displayModeBar: false, responsive: false })
    this.drawn = true
    view.root.dataset.draws = Number(view.root.dataset.draws ?? 0) + 1
  }

  drawPreview() {
    const { view, preview, theme } = this
    if (!preview?.paths?.length) {
      view.preview.setAttribute("aria-label", "Fresh sample paths, none yet")
      return drawEmpty(view.preview, theme, "Sample paths appear here while it learns.")
    }
    this.previewRange = calmRange(this.previewRange, rangeOf(preview.paths))
    drawLines(view.preview, {
      groups: [{ paths: preview.paths, color: theme.palette, alpha: 0.85, width: 1.2 }],
      range: this.previewRange,
      theme,
      xTitle: "bar",
    })
    const series = typeof preview.series === "string" ? `${preview.series}, ` : ""
    setText(view.previewTitle, `${series}after step ${Number(preview.step).toLocaleString("en")}`)
    view.preview.setAttribute("aria-label", `${preview.paths.length} fresh sample paths after step ${preview.step}`)
  }

  onResize() {
    if (this.drawn) this.plotly.Plots.resize(this.view.chart)
    if (this.theme) this.drawPreview()
  }

  end() {
    this.gone = true
    this.stopTimer()
    this.abort?.abort()
    this.resized.disconnect()
    this.plotly?.purge(this.view.chart)
    this.view.root.remove()
  }
}

const followers = new WeakMap()

export default function (component) {
  const { parentElement } = component
  let follower = followers.get(parentElement)
  if (!follower) {
    follower = new Follower(parentElement)
    followers.set(parentElement, follower)
  }
  follower.update(component)
  return () => {
    follower.end()
    followers.delete(parentElement)
  }
}
