// A stream's figures of the last ten minutes, shaped for charts. Pure: tested in
// figures.test.ts.

// What GET /api/v1/streams/NAME/figures lists. A figure that is null was not
// known; one that is missing is not known to this Weir.
export interface Sample {
  time: string
  bitrate: number | null
  frame_rate: number | null
  keyframe_interval_s: number | null
  delay_s: number | null
  jitter_s: number | null
  latency_s: number | null
  realtime_ratio: number | null
  rung_bitrates?: Record<string, number>
  viewers?: number | null
  viewer_latency_s?: number | null
  audio_level_db?: number | null
}

export type Pick = (s: Sample) => number | null | undefined

// Times in Unix seconds, then one list of values for each line.
export type Columns = [number[], ...(number | null)[][]]

export const kept = 10 * 60
// Two samples are 2 s apart; beyond this, a line has a gap.
const widest = 7

const at = (s: Sample): number => Date.parse(s.time) / 1000

// append adds what is new and forgets what is older than ten minutes.
export function append(old: Sample[], fresh: Sample[]): Sample[] {
  const last = old.at(-1)
  const news = last ? fresh.filter((s) => at(s) > at(last)) : fresh
  if (news.length === 0) return old
  const all = [...old, ...news]
  const end = at(all.at(-1) as Sample)
  return all.filter((s) => at(s) >= end - kept)
}

// columns is what a chart draws: nothing where nothing was known.
export function columns(samples: Sample[], picks: Pick[]): Columns {
  const times: number[] = []
  const lines: (number | null)[][] = picks.map(() => [])
  for (const s of samples) {
    const last = times.at(-1)
    if (last !== undefined && at(s) - last > widest) {
      times.push(last + 0.001)
      for (const line of lines) line.push(null)
    }
    times.push(at(s))
    picks.forEach((pick, i) => lines[i]?.push(pick(s) ?? null))
  }
  return [times, ...lines]
}

export interface Extent {
  least: number
  most: number
  mean: number
}

// extent is of the samples of the last span seconds; undefined where nothing is
// known.
export function extent(samples: Sample[], pick: Pick, span = kept): Extent | undefined {
  const last = samples.at(-1)
  if (!last) return undefined
  let n = 0
  let sum = 0
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (const s of samples) {
    const value = pick(s)
    if (value == null || at(s) < at(last) - span) continue
    n++
    sum += value
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  return n > 0 ? { least, most, mean: sum / n } : undefined
}

// rungsIn are the ids of the renditions that any sample knows.
export function rungsIn(samples: Sample[]): string[] {
  const ids = new Set<string>()
  for (const s of samples) for (const id of Object.keys(s.rung_bitrates ?? {})) ids.add(id)
  return [...ids]
}
