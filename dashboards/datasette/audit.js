// Draws what is in the cards: asks the ledger what each card asks, and counts the invariants that hold.
// Values become text, never markup: an application may write anything into a label.
(() => {
  const page = JSON.parse(document.getElementById("audit-page").textContent)
  const MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR
  const BUCKETS = [
    ...[1, 2, 5, 10, 15, 30].map(count => count * MINUTE),
    ...[1, 2, 3, 6, 12].map(count => count * HOUR),
    ...[1, 2, 7, 14, 30].map(count => count * DAY),
  ]
  const MOST_BARS = 62 // an hour's minutes, and a part of one at each end
  const COLOURS = ["#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#bab0ac"]
  const OWN_COLOURS = { dropped: "#4c78a8", demoted: "#9ecae9", kept: "#f58518" }
  const INK = "#54585d", LINES = "#e4e7eb"
  const number = new Intl.NumberFormat("en-US")

  // Answers: one request for a query, however many cards show it

  const asked = new Map()

  function ask({ db, query }) {
    if (!asked.has(query)) asked.set(query, request(db, query))
    return asked.get(query)
  }

  async function request(db, query) {
    const parameters = new URLSearchParams({ sql: query, last: page.last, _shape: "objects" })
    const response = await fetch(`/${db}.json?${parameters}`)
    const answer = await response.json()
    if (!response.ok) throw new Error(answer.error)
    return answer.rows
  }

  // Text

  function element(name, className, ...children) {
    const made = document.createElement(name)
    if (className) made.className = className
    made.append(...children)
    return made
  }

  function moment(at) {
    return new Date(at).toISOString().slice(0, 16).replace("T", " ")
  }

  function length(milliseconds) {
    const [unit, size] = [["day", DAY], ["h", HOUR], ["min", MINUTE]].find(([, size]) => milliseconds % size === 0)
    const count = milliseconds / size
    if (count === 1) return { day: "day", h: "hour", min: "minute" }[unit]
    return `${number.format(count)} ${unit === "day" ? "days" : unit}`
  }

  // Cards

  function tile(chart, rows) {
    const value = Number(rows[0]?.[chart.value] ?? 0)
    const mark = chart.must_be_zero ? (value ? "broken" : "holds") : ""
    return element("p", `number ${mark}`, number.format(value))
  }

  function table(chart, rows) {
    if (!rows.length) return element("p", "none", chart.invariant ? "none" : "nothing in this window")
    const columns = Object.keys(rows[0]).filter(column => column !== chart.rows)
    const numeric = new Set(columns.filter(column => rows.every(row => typeof row[column] === "number")))
    const kind = column => (numeric.has(column) ? "number" : "")
    const heads = columns.map(column => {
      const head = element("th", kind(column), column)
      head.scope = "col"
      return head
    })
    const lines = rows.map(row => {
      const cells = columns.map((column, place) => {
        const value = row[column]
        const text = numeric.has(column) ? number.format(value) : String(value ?? "")
        const broken = chart.invariant && (chart.must_be_zero ? column === chart.must_be_zero && value : place === 0)
        return element("td", kind(column), broken ? element("span", "broken", text) : text)
      })
      if (row[chart.rows]) {
        const link = element("a", "", "rows")
        link.href = row[chart.rows]
        cells.push(element("td", "", link))
      }
      return element("tr", "", ...cells)
    })
    if (rows[0][chart.rows]) heads.push(element("th", ""))
    const head = element("thead", "", element("tr", "", ...heads))
    const made = element("div", "scrolling", element("table", "", head, element("tbody", "", ...lines)))
    made.tabIndex = 0
    made.setAttribute("role", "region")
    made.setAttribute("aria-label", chart.title)
    if (rows.length < page.most_rows) return made
    return element("div", "", made, element("p", "none", `The first ${page.most_rows} rows; the query has all of them.`))
  }

  // Charts

  // Returns [series, count] of each number in a row.
  function counts(chart, row) {
    return Array.isArray(chart.series) ? chart.series.map(name => [name, row[name]]) : [[row[chart.series], row[chart.count]]]
  }

  // Sums what falls on the same place, and stacks the series on it.
  function stacked(chart, rows, placeOf) {
    const places = new Map()
    for (const row of rows) {
      const place = placeOf(row)
      const sums = places.get(place) ?? places.set(place, new Map()).get(place)
      for (const [series, count] of counts(chart, row)) sums.set(series, (sums.get(series) ?? 0) + count)
    }
    const names = new Set(Array.isArray(chart.series) ? chart.series : rows.map(row => row[chart.series]).sort())
    const bars = [...places].flatMap(([place, sums]) => {
      let height = 0
      return [...names].filter(name => sums.get(name)).map(name => {
        const count = sums.get(name)
        height += count
        return { place, series: name, count, low: height - count, high: height }
      })
    })
    const colours = [...names].map((name, place) => OWN_COLOURS[name] ?? COLOURS[place % COLOURS.length])
    return { bars, names: [...names], colours }
  }

  // Returns an axis of whole numbers that begins at 0 and has about five steps.
  function countAxis(bars, title) {
    const most = Math.max(1, ...bars.map(bar => bar.high))
    const power = 10 ** Math.floor(Math.log10(most / 5))
    const step = Math.max(1, [1, 2, 5, 10].map(times => times * power).find(size => size >= most / 5))
    const values = Array.from({ length: Math.ceil(most / step) + 1 }, (_, place) => place * step)
    return {
      type: "quantitative",
      title,
      scale: { domain: [0, values.at(-1)], nice: false },
      axis: { values, format: ",d", labelOverlap: true, titleFontWeight: "normal" },
    }
  }

  function colour({ names, colours }) {
    return { field: "series", type: "nominal", scale: { domain: names, range: colours }, legend: null }
  }

  function tooltip(first) {
    return [first, { field: "series", title: " " }, { field: "count", type: "quantitative", format: ",d" }]
  }

  function timeline(chart, rows, { from, to }) {
    const least = chart.time === "hour" ? HOUR : MINUTE
    const fits = size => size >= least && (to - from) / size <= MOST_BARS
    const bucket = BUCKETS.find(fits) ?? DAY * Math.ceil((to - from) / DAY / MOST_BARS)
    const startOf = row => Math.floor(Date.parse(`${row[chart.time].replace(" ", "T")}:00Z`) / bucket) * bucket
    const { bars, ...series } = stacked(chart, rows, startOf)
    // A bucket that the window cuts is drawn as far as it lies in it.
    const values = bars.map(bar => ({
      ...bar,
      from: Math.max(bar.place, from),
      to: Math.min(bar.place + bucket, to),
      when: `${moment(bar.place)}, ${length(bucket)}`,
    }))
    const day = "utchours(datum.value) + utcminutes(datum.value) === 0"
    const encoding = {
      x: {
        field: "from",
        type: "temporal",
        title: null,
        scale: { type: "utc", domain: [from, to], nice: false },
        axis: {
          grid: false,
          tickCount: { expr: "max(2, floor(width / 80))" },
          labelExpr: `utcFormat(datum.value, ${day} ? '%b %d' : '%H:%M')`,
          labelOverlap: true,
          labelFlush: true,
        },
      },
      x2: { field: "to" },
      y: { field: "low", ...countAxis(bars, `${chart.count} per ${length(bucket)}`) },
      y2: { field: "high" },
      color: colour(series),
      tooltip: tooltip({ field: "when", title: "UTC" }),
    }
    return { series, spec: { height: 200, data: { values }, mark: { type: "bar", minBandSize: 0 }, encoding } }
  }

  function barsAcross(chart, rows) {
    const { bars: values, ...series } = stacked(chart, rows, row => String(row[chart.label]))
    const encoding = {
      y: { field: "place", type: "nominal", sort: null, title: null, axis: { labelLimit: 140, labelPadding: 6, ticks: false, grid: false } },
      x: { field: "low", ...countAxis(values, chart.count) },
      x2: { field: "high" },
      color: colour(series),
      tooltip: tooltip({ field: "place", title: " " }),
    }
    const mark = { type: "bar", height: { band: 0.7 } }
    return { series, spec: { height: { step: 28 }, data: { values }, mark, encoding } }
  }

  async function drawn(chart, rows, card) {
    if (!rows.length) return card.append(element("p", "none", "nothing in this window"))
    const [window] = chart.library === "time" ? await ask(page.window) : [{}]
    const { spec, series } = chart.library === "time" ? timeline(chart, rows, window) : barsAcross(chart, rows)
    const plot = element("div", "plot")
    card.append(plot)
    if (series.names.length > 1 || !Array.isArray(chart.series)) {
      card.append(element("ul", "legend", ...series.names.map((name, place) => {
        const swatch = element("i", "")
        swatch.style.background = series.colours[place]
        return element("li", "", swatch, String(name))
      })))
    }
    const font = getComputedStyle(document.body).fontFamily
    await vegaEmbed(plot, {
      $schema: "https://vega.github.io/schema/vega-lite/v6.json",
      description: `${chart.title}: ${chart.question}`,
      width: "container",
      autosize: { type: "fit-x", contains: "padding" },
      background: null,
      config: {
        font,
        view: { stroke: null },
        axis: { domainColor: LINES, gridColor: LINES, tickColor: LINES, labelColor: INK, titleColor: INK, labelFontSize: 11 },
      },
      ...spec,
    }, { actions: false, renderer: "svg", logLevel: 1 })
  }

  // Returns whether the card's invariant is broken; null where it states none.
  async function draw(chart) {
    const card = document.getElementById(`chart-${chart.slug}`)
    try {
      const rows = await ask(chart)
      if (chart.library === "metric") card.append(tile(chart, rows))
      else if (chart.library === "table") card.append(table(chart, rows))
      else await drawn(chart, rows, card)
      if (!chart.invariant) return null
      const broken = rows.some(row => !chart.must_be_zero || row[chart.must_be_zero])
      card.parentElement.classList.add(broken ? "is-broken" : "is-held", rows.length ? "has-rows" : "is-empty")
      return broken
    } catch (error) {
      card.append(element("p", "broken", `The ledger did not answer: ${error.message}`))
      return undefined
    }
  }

  function judge(charts, broken) {
    const verdict = document.getElementById("verdict")
    const bad = charts.filter((_, place) => broken[place])
    const unknown = broken.filter(one => one === undefined).length
    const counted = count => `${count} of ${charts.length} invariants`
    verdict.className = bad.length || unknown ? "is-broken" : "is-held"
    if (unknown) verdict.textContent = `${counted(unknown)} could not be checked`
    else if (!bad.length) verdict.textContent = `${counted(charts.length)} hold`
    else {
      const links = bad.flatMap((chart, place) => {
        const link = element("a", "", chart.title)
        link.href = `#card-${chart.slug}`
        return place ? [", ", link] : [link]
      })
      verdict.replaceChildren(`${counted(bad.length)} broken: `, ...links)
    }
  }

  async function start() {
    const shown = [...document.querySelectorAll("[id^=card-]")]
    const charts = shown.map(card => page.charts[card.id.slice("card-".length)])
    const drawing = Promise.all(charts.map(draw))
    if (document.getElementById("verdict")) {
      const [window] = await ask(page.window).catch(() => [])
      if (window) document.getElementById("window").textContent = `· ${moment(window.from)} to ${moment(window.to)} UTC`
      const broken = await drawing
      judge(charts.filter(chart => chart.invariant), broken.filter((_, place) => charts[place].invariant))
    }
    await drawing
    // What is above the card that the address names has its height only now.
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView()
    document.body.classList.add("drawn")
    if (page.refresh_minutes) setTimeout(() => location.reload(), page.refresh_minutes * MINUTE)
  }

  start()
})()
