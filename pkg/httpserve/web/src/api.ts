// The part of /api/v1/streams that the pages use.

export type State = 'waiting' | 'live' | 'reconnecting' | 'ended'

export interface Rendition {
  id: string
  name: string
  kind: string
}

export interface StreamStatus {
  name: string
  state: State
  since: string
  source: { width: number; height: number; frame_rate: number } | null
  renditions: Rendition[]
  urls: { watch: string; hls: string; dash: string }
}

// What is known of a stream: its status, that nobody publishes it, or that
// the gateway does not answer.
export type Answer = StreamStatus | 'none' | 'unreachable'

const patience = 8000

export async function fetchStream(name: string): Promise<Answer> {
  try {
    const res = await fetch(`/api/v1/streams/${encodeURIComponent(name)}`, { signal: timeout() })
    if (res.status === 404) return 'none'
    return res.ok ? ((await res.json()) as StreamStatus) : 'unreachable'
  } catch {
    return 'unreachable'
  }
}

export async function fetchStreams(): Promise<StreamStatus[] | 'unreachable'> {
  try {
    const res = await fetch('/api/v1/streams', { signal: timeout() })
    return res.ok ? ((await res.json()) as { streams: StreamStatus[] }).streams : 'unreachable'
  } catch {
    return 'unreachable'
  }
}

// The server's clock minus this device's, in milliseconds; 0 where unknown.
export async function fetchClockOffset(): Promise<number> {
  try {
    const asked = Date.now()
    const res = await fetch('/time', { signal: timeout(), cache: 'no-store' })
    const server = Date.parse(await res.text())
    const offset = server - (asked + Date.now()) / 2
    return Number.isFinite(offset) ? offset : 0
  } catch {
    return 0
  }
}

export function timeout(ms = patience): AbortSignal {
  const c = new AbortController()
  setTimeout(() => c.abort(), ms)
  return c.signal
}

export const stateWords: Record<State, string> = {
  waiting: 'Starting',
  live: 'Live',
  reconnecting: 'Reconnecting',
  ended: 'Ended',
}
