// Where on its way a stream is troubled. Pure: tested in hops.test.ts.

import { bitrate, encoder, fps } from '../format'
import type { Finding, Stream } from '../types'
import { type Grade, grade } from '../verdict'
import { onBackup } from './publishers'

export type HopName = 'encoder' | 'uplink' | 'gateway' | 'viewer'

export interface Hop {
  name: HopName
  title: string
  // What is known of it now, in a few words.
  fact: string
  // idle while nothing passes.
  grade: Grade | 'idle'
}

const titles: Record<HopName, string> = { encoder: 'Encoder', uplink: 'Uplink', gateway: 'Weir', viewer: 'Viewers' }
const order: HopName[] = ['encoder', 'uplink', 'gateway', 'viewer']

// hopTitle is what a finding's hop is called, undefined for one that is not told.
export const hopTitle = (f: Finding): string | undefined => titles[f.hop as HopName] ?? f.hop

export function hops(s: Stream): Hop[] {
  return order.map((name) => {
    const own = s.health.filter((f) => f.hop === name)
    const idle = !s.session || (name === 'viewer' && s.state !== 'live')
    return { name, title: titles[name], fact: facts[name](s), grade: idle ? 'idle' : grade(own) }
  })
}

const facts: Record<HopName, (s: Stream) => string> = {
  encoder: (s) => (s.session ? (onBackup(s) ? 'Backup: ' : '') + encoder(s.session.encoder) : 'Not connected'),
  uplink: (s) => {
    if (!s.session) return 'Nothing arrives'
    const arrives = s.arrival && s.arrival.bitrate > 0 ? `, ${bitrate(s.arrival.bitrate)}` : ''
    return s.session.protocol.toUpperCase() + arrives
  },
  gateway: (s) => {
    const rungs = s.renditions.filter((r) => r.kind === 'video').length
    if (!s.session) return 'Ready'
    if (s.worker?.state === 'restarting') return 'Transcoder restarts'
    return rungs === 1 ? 'One quality' : rungs > 1 ? `${rungs} qualities` : 'Preparing'
  },
  viewer: (s) => {
    if (s.state !== 'live') return s.on_air === 'slate' ? 'See the slate' : 'Nothing to see'
    if (!s.audience) return 'Can watch'
    const { viewers, at_least } = s.audience
    return viewers === 1 ? 'One viewer' : `${viewers}${at_least ? ' or more' : ''} viewers`
  },
}

// picture says what the source's video is, in one line.
export function picture(s: Stream): string {
  const { source } = s
  if (!source?.codec) return source ? 'Sound alone' : ''
  return `${source.width}×${source.height}${source.frame_rate ? ` at ${fps(source.frame_rate)} fps` : ''}`
}
