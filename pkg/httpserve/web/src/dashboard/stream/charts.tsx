// The figures of the last minutes, each as a small chart.

import { useMemo, useState } from 'preact/hooks'
import { bitrate, seconds, time } from '../format'
import { Card, Choice, Empty } from '../parts'
import { describe, isNews } from '../timeline'
import type { Event, Stream } from '../types'
import { Plot, type Line, type Mark } from './chart'
import { columns, extent, type Pick, rungsIn, type Sample } from './figures'

interface Chart {
  id: string
  title: string
  // What a creator should make of it.
  hint: string
  lines: (Line & { pick: Pick })[]
  unit(value: number): string
  // At the axis, where it is shorter.
  tick?(value: number): string
  top?: number
  bottom?: number
}

const spans = [
  ['2', '2 min'],
  ['5', '5 min'],
  ['10', '10 min'],
] as const

// What is quieter than this (dB) is silence.
const quietest = -60

const ms = (s: number): string => (Math.abs(s) < 1 ? `${Math.round(s * 1000)} ms` : seconds(s))
const megabits = (b: number): string => (b >= 1e6 || b === 0 ? `${Math.round(b / 1e5) / 10} Mb/s` : `${Math.round(b / 1e3)} kb/s`)
const ratio = (r: number): string => `${Math.round(r * 10) / 10}×`
const whole = (n: number): string => String(Math.round(n * 10) / 10)

function chartsOf(samples: Sample[], stream: Stream): Chart[] {
  const one = (label: string, pick: Pick): Chart['lines'] => [{ label, colour: 1, filled: true, pick }]
  const names = new Map(stream.renditions.map((r) => [r.id, r.name]))
  const listed = stream.renditions.map((r) => r.id)
  const rungs = rungsIn(samples).sort((a, b) => listed.indexOf(a) - listed.indexOf(b))
  const all: Chart[] = [
    { id: 'bitrate', title: 'Bitrate', hint: 'What arrives from your encoder. A steady line is best.', lines: one('Bitrate', (s) => s.bitrate), unit: bitrate, tick: megabits },
    { id: 'fps', title: 'Frame rate', hint: 'Pictures that arrive each second. Dips are dropped frames.', lines: one('Frames per second', (s) => s.frame_rate), unit: whole },
    {
      id: 'arrival', title: 'Arrival', hint: 'How late media comes. A delay that grows means that the uplink is too slow.',
      lines: [
        { label: 'Delay', colour: 1, filled: true, pick: (s) => s.delay_s },
        { label: 'Jitter', colour: 2, pick: (s) => s.jitter_s },
      ],
      unit: ms, top: 0.2,
    },
    { id: 'keyframes', title: 'Keyframe interval', hint: 'Should be 2 s all the time.', lines: one('Interval', (s) => s.keyframe_interval_s), unit: (v) => seconds(v), tick: (v) => `${v} s`, top: 3 },
    {
      id: 'audio', title: 'Audio level', hint: 'Speech lies at about −20 dB, on average over a second. 0 dB is as loud as can be.', bottom: quietest, unit: (v) => `${Math.round(v)} dB`,
      lines: [{ label: 'Level', colour: 1, pick: (s) => (s.audio_level_db == null ? null : Math.max(quietest, s.audio_level_db)) }],
    },
    {
      id: 'latency', title: 'Latency', hint: 'What encoding and packaging take; where players tell, how far behind they are.',
      lines: [
        { label: 'In Weir', colour: 1, filled: true, pick: (s) => s.latency_s },
        { label: 'Of viewers', colour: 2, pick: (s) => s.viewer_latency_s },
      ],
      unit: ms, top: 1,
    },
    { id: 'viewers', title: 'Viewers', hint: 'Who asked for media in the last seconds.', lines: one('Viewers', (s) => s.viewers), unit: whole, top: 4 },
    { id: 'transcoder', title: 'Transcoder speed', hint: 'Below 1× the server cannot keep up.', lines: one('Speed', (s) => s.realtime_ratio), unit: ratio, top: 2 },
    {
      id: 'rungs', title: 'Qualities', hint: 'What each quality takes of a viewer’s connection.', unit: bitrate, tick: megabits,
      lines: rungs.map((id, i) => ({ label: names.get(id) ?? id, colour: (i % 6) + 1, pick: (s: Sample) => s.rung_bitrates?.[id] })),
    },
  ]
  // What this stream has no figures of (a transcoder, say) needs no empty chart.
  const known = (l: { pick: Pick }): boolean => samples.some((s) => l.pick(s) != null)
  return all.map((c) => ({ ...c, lines: c.lines.filter(known) })).filter((c) => c.lines.length > 0)
}

export function Charts({ samples, stream, events, ready }: { samples: Sample[]; stream: Stream; events: Event[]; ready: boolean }) {
  const [minutes, setMinutes] = useState<(typeof spans)[number][0]>('5')
  const [point, setPoint] = useState<number | null>(null)
  const marks = useMemo(() => marksOf(events), [events])
  const charts = useMemo(() => chartsOf(samples, stream), [samples, stream.renditions.map((r) => r.id).join()])
  const span = Number(minutes) * 60
  return (
    <Card title="Figures" id="figures" aside={<Choice label="Time shown" hideLabel value={minutes} options={spans} onChange={(m) => setMinutes(m)} />}>
      {charts.length === 0 && (ready ? <Empty title="No figures yet">They are drawn here from the first picture on.</Empty> : <p class="soft" role="status">Asking Weir…</p>)}
      <div class="charts">
        {charts.map((c) => (
          <ChartBox key={c.id} chart={c} samples={samples} span={span} marks={marks} point={point} setPoint={setPoint} />
        ))}
      </div>
      {charts.length > 0 && marks.length > 0 && <p class="soft small">Dashed uprights are what happened: see below.</p>}
    </Card>
  )
}

interface BoxProps {
  chart: Chart
  samples: Sample[]
  span: number
  marks: Mark[]
  point: number | null
  setPoint(index: number | null): void
}

function ChartBox({ chart, samples, span, marks, point, setPoint }: BoxProps) {
  const picks = chart.lines.map((l) => l.pick)
  const data = useMemo(() => columns(samples, picks), [samples, chart])
  const last = data[0].length - 1
  const index = point ?? last
  const several = chart.lines.length > 1
  const value = (line: number): string => {
    const v = data[line + 1]?.[index]
    return v == null ? '–' : chart.unit(v)
  }
  const range = extent(samples, picks[0] as Pick, span)
  const summary = range ? `${chart.title}: now ${value(0)}, between ${chart.unit(range.least)} and ${chart.unit(range.most)}` : `${chart.title}: unknown`
  return (
    <figure class="chart" data-chart={chart.id}>
      <figcaption>
        <span class="chart-title">{chart.title}</span>
        {several ? (
          <ul class="key">
            {chart.lines.map((l, i) => (
              <li key={l.label} data-colour={l.colour}>
                {l.label} <b>{value(i)}</b>
              </li>
            ))}
          </ul>
        ) : (
          <b class="chart-value">{value(0)}</b>
        )}
        {point !== null && <span class="soft small chart-time">{time(new Date((data[0][index] ?? 0) * 1000).toISOString())}</span>}
      </figcaption>
      <Plot columns={data} lines={chart.lines} span={span} unit={chart.tick ?? chart.unit} top={chart.top} bottom={chart.bottom} marks={marks} summary={summary} onPoint={setPoint} />
      <p class="soft small">{chart.hint}</p>
    </figure>
  )
}

// Which events are worth a line: those that are good or bad.
function marksOf(events: Event[]): Mark[] {
  return events.filter(isNews).map((e) => ({ at: Date.parse(e.time) / 1000, tone: describe(e).tone })).filter((m) => m.tone !== 'plain')
}
