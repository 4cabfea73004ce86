// What the dashboard reads of the API. Fields may be missing where Weir is
// older or newer than this page: whatever is not sure to be there is optional.

import type { State } from '../api'

export type { State } from '../api'

export type Scope = 'viewer' | 'operator' | 'admin'

export interface Source {
  codec: string
  profile?: string
  width: number
  height: number
  frame_rate: number
  bitrate: number
  keyframe_interval_s: number
  audio: { codec: string; sample_rate: number; channels: number } | null
}

// How media came in over the last second.
export interface Arrival {
  bitrate: number
  frame_rate: number
  delay_s: number
  jitter_s: number
  bytes: number
}

export interface Rendition {
  id: string
  name: string
  kind: 'video' | 'audio'
  codecs?: string
  width?: number
  height?: number
  bandwidth: number
  frame_rate?: number
  bitrate: number
  latency_s: number | null
  passthrough: boolean
  segments: number
  resting?: boolean
  state: State
}

export interface Worker {
  state: 'running' | 'restarting'
  restarts: number
  realtime_ratio: number
  behind: number
  shed: number
  restored: number
}

// One measured value; its name is in snake case.
export interface Evidence {
  name: string
  value: number
  unit?: string
}

// A finding of the stream doctor. Code and message are always there.
export interface Finding {
  code: string
  severity: string
  title?: string
  message: string
  evidence?: Evidence[]
  hop?: string
  remedy?: string
  since?: string
}

export type Role = 'primary' | 'backup'

// A publisher that is connected.
export interface Publisher {
  role?: Role
  protocol: string
  encoder?: string
  connected_at: string
}

// What becomes of a stream that is being recorded; trouble is why its newest segment
// is not.
export interface Recording {
  started_at: string | null
  path?: string
  duration_s: number
  bytes: number
  missing_segments: number
  trouble?: string
}

export interface Stream {
  name: string
  state: State
  since: string
  // What viewers get: source, slate, gap or nothing.
  on_air?: string
  session: Publisher | null
  // Stands by beside session.
  standby?: Publisher | null
  // When and why the one that stood by last went on air.
  switched?: { at: string; to: Role; reason: string } | null
  // null: it is not being recorded.
  recording?: Recording | null
  source: Source | null
  arrival?: Arrival | null
  audience?: { viewers: number; at_least?: boolean; reporting: number; stalled: number; latency_s: number | null; startup_s: number | null }
  renditions: Rendition[]
  worker: Worker | null
  repairs: Record<string, number>
  health: Finding[]
  urls: { watch: string; hls: string; dash: string }
}

export interface Session {
  id: number
  stream: string
  protocol: string
  role?: Role
  encoder?: string
  remote?: string
  started_at: string
  ended_at: string | null
  reason?: string
  message?: string
  access_units: number
  bytes: number
}

export interface Node {
  version: string
  started_at: string
  uptime_s: number
  draining: boolean
  // Keys are not asked for.
  open: boolean
  cores: number
  cpu_s: number
  memory_bytes: number
  streams: number
  listeners: { protocol: string; address: string }[]
  publishers?: number
  goroutines?: number
  // ends_at is null where a CA has not given it yet.
  certificates?: { mode: string; name: string; ends_at: string | null }[]
}

export interface Event {
  id: number
  time: string
  kind: string
  stream?: string
  reason?: string
  // Of publish.switched: who went on air.
  to?: Role
  message: string
}
