// One chart of the last minutes. uPlot draws it; what it shows is also written
// beside it, for those who do not see the picture.

import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { tick } from '../format'
import type { Columns } from './figures'

export interface Line {
  label: string
  // Which of the series' colours, from 1 on.
  colour: number
  filled?: boolean
  dashed?: boolean
}

// Something that happened, as an upright line.
export interface Mark {
  at: number
  tone: string
}

interface Props {
  columns: Columns
  lines: Line[]
  // How many seconds up to the newest sample are shown.
  span: number
  unit(value: number): string
  // The least height of the upper end, lest noise fill the chart.
  top?: number
  bottom?: number
  marks: Mark[]
  summary: string
  // Told which sample the pointer is at, null for none.
  onPoint(index: number | null): void
}

const height = 128

export function Plot(props: Props) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const latest = useRef(props)
  latest.current = props
  const look = useLook()

  useEffect(() => {
    const element = box.current
    if (!element) return
    const made = new uPlot(options(element.clientWidth, latest, element), props.columns, element)
    plot.current = made
    const resized = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height })
    })
    resized.observe(element)
    return () => {
      resized.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [look, props.lines.map((l) => l.label).join()])

  useEffect(() => {
    plot.current?.setData(props.columns)
  }, [props.columns, props.span])

  return <div ref={box} class="plot" role="img" aria-label={props.summary} />
}

// useLook is another value whenever colours change.
function useLook(): number {
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const changed = (): void => setTurn((n) => n + 1)
    dark.addEventListener('change', changed)
    return () => dark.removeEventListener('change', changed)
  }, [])
  return turn
}

function options(width: number, latest: { current: Props }, element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element)
  const colour = (name: string): string => style.getPropertyValue(name).trim()
  const soft = colour('--soft')
  const grid = { stroke: colour('--grid'), width: 1 }
  const font = `12px ${style.fontFamily}`
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 26, 0, 0],
    cursor: { sync: { key: 'weir' }, y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      x: {
        range: () => {
          const times = latest.current.columns[0]
          const end = times.at(-1) ?? Date.now() / 1000
          return [end - latest.current.span, end]
        },
      },
      y: {
        range: (_, least, most) => {
          const { bottom = 0, top = 0 } = latest.current
          return [Math.min(bottom, least ?? bottom), Math.max(top, (most ?? 1) * 1.12)]
        },
      },
    },
    axes: [
      { stroke: soft, font, size: 24, grid: { show: false }, ticks: { show: false }, space: 70, incrs: [60, 120, 300], values: (_, ticks) => ticks.map(tick) },
      {
        stroke: soft, font, size: 60, grid, ticks: { show: false }, space: 34, gap: 6,
        values: (_, ticks) => ticks.map((t) => latest.current.unit(t)),
      },
    ],
    series: [{}, ...latest.current.lines.map((l) => series(l, colour))],
    hooks: {
      setCursor: [(u) => latest.current.onPoint(u.cursor.idx ?? null)],
      drawClear: [(u) => drawMarks(u, latest.current.marks, colour)],
    },
  }
}

function series(line: Line, colour: (name: string) => string): uPlot.Series {
  const stroke = colour(`--series-${line.colour}`)
  return {
    label: line.label,
    stroke,
    width: 2,
    fill: line.filled ? `${stroke}26` : undefined,
    dash: line.dashed ? [5, 4] : undefined,
    points: { show: false },
  }
}

function drawMarks(u: uPlot, marks: Mark[], colour: (name: string) => string): void {
  const { ctx, bbox } = u
  const { min = 0, max = 0 } = u.scales.x ?? {}
  ctx.save()
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio])
  for (const mark of marks) {
    if (mark.at < min || mark.at > max) continue
    const x = Math.round(u.valToPos(mark.at, 'x', true))
    ctx.strokeStyle = colour(`--mark-${mark.tone}`) || colour('--soft')
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
  }
  ctx.restore()
}
