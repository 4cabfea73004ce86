// How far a creator has come with going live. Pure: tested in progress.test.ts.

import type { Event, Stream } from './types'

export type StepState = 'done' | 'active' | 'todo'

export interface Step {
  id: 'connected' | 'picture' | 'watchable'
  state: StepState
  title: string
  detail?: string
  // When it was done, in Unix milliseconds.
  at?: number
}

export interface Trouble {
  at: number
  title: string
  message: string
}

// When this page saw a session's first picture, by stream and session.
export type Pictures = Record<string, number>

export const sessionOf = (s: Stream): string => `${s.name} ${s.session?.connected_at ?? ''}`

// current is the stream that going live is about: the one published last.
export function current(streams: Stream[], events: Event[]): Stream | undefined {
  const published = streams.filter((s) => s.session)
  if (published.length > 0) return published.reduce((a, b) => (began(a) > began(b) ? a : b))
  const last = events.find((e) => e.kind.startsWith('publish.') && e.stream)
  return streams.find((s) => s.name === last?.stream) ?? streams[0]
}

const began = (s: Stream): number => Date.parse(s.session?.connected_at ?? '')

export function progress(stream: Stream | undefined, pictures: Pictures): Step[] {
  const session = stream?.session
  const source = session ? stream.source : null
  const live = Boolean(session) && stream?.state === 'live'
  const at = (done: boolean, time: number | undefined): number | undefined => (done && Number.isFinite(time) ? time : undefined)
  const state = (done: boolean, before: boolean): StepState => (done ? 'done' : before ? 'active' : 'todo')
  return [
    {
      id: 'connected',
      state: state(Boolean(session), true),
      title: session ? 'Connected' : 'Waiting for your stream…',
      at: at(Boolean(session), session ? Date.parse(session.connected_at) : undefined),
    },
    {
      id: 'picture',
      state: state(Boolean(source), Boolean(session)),
      title: source ? (source.codec ? 'First picture' : 'First sound') : session ? 'Waiting for the first picture…' : 'First picture',
      at: at(Boolean(source), stream && pictures[sessionOf(stream)]),
    },
    {
      id: 'watchable',
      state: state(live, Boolean(source)),
      title: live ? 'Viewers can watch' : source ? 'Making it ready for viewers…' : 'Viewers can watch',
      at: at(live, stream ? Math.max(Date.parse(stream.since), began(stream)) : undefined),
    },
  ]
}

// A trouble is shown until the creator is on the way again, or for so long.
const remembered = 10 * 60_000

// trouble is why the creator is not live, if Weir refused or lost the encoder.
export function trouble(stream: Stream | undefined, events: Event[], now: number): Trouble | undefined {
  if (stream?.session) return undefined
  const last = events.find((e) => e.kind === 'publish.rejected' || ((e.kind === 'publish.ended' || e.kind === 'publish.started') && e.stream === stream?.name))
  if (!last || last.kind === 'publish.started' || last.reason === 'ended') return undefined
  const at = Date.parse(last.time)
  if (now - at > remembered) return undefined
  const title = last.kind === 'publish.rejected' ? 'Weir refused an encoder' : last.reason === 'lost' ? 'The connection was lost' : 'The stream was stopped'
  return { at, title, message: last.message }
}
