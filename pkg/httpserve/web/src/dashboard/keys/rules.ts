// What holds for whoever publishes with a stream key: as the API has it, in
// words, and as a form has it. Pure: tested in rules.test.ts.

import { bitrate, duration } from '../format'

export interface Rules {
  protocols?: string[]
  addresses?: string[]
  // In bits per second.
  max_bitrate?: number
  // WIDTHxHEIGHT.
  max_resolution?: string
  max_frame_rate?: number
  max_duration_s?: number
  takeover?: string
  ladder?: string
  backup?: boolean
  record?: boolean
}

export const resolutions = ['3840x2160', '2560x1440', '1920x1080', '1280x720', '854x480']

export function words(r: Rules): string[] {
  const all: string[] = []
  if (r.protocols?.length) all.push(`${r.protocols.map((p) => p.toUpperCase()).join(' or ')} only`)
  if (r.addresses?.length) all.push(`from ${r.addresses.length > 2 ? `${r.addresses.length} networks` : r.addresses.join(' or ')}`)
  if (r.max_bitrate) all.push(`up to ${bitrate(r.max_bitrate)}`)
  if (r.max_resolution) all.push(`up to ${r.max_resolution.replace('x', '×')}`)
  if (r.max_frame_rate) all.push(`up to ${r.max_frame_rate} fps`)
  if (r.max_duration_s) all.push(`${duration(r.max_duration_s * 1000)} at most`)
  if (r.takeover === 'forbid') all.push('no take-over')
  if (r.backup) all.push('backup')
  if (r.record) all.push('recorded')
  if (r.ladder) all.push(`ladder ${r.ladder}`)
  return all
}

// What a form holds. Numbers are in the units that it shows: Mb/s and hours.
export interface Form {
  protocols: string[]
  addresses: string
  bitrate: string
  resolution: string
  frameRate: string
  hours: string
  takeover: boolean
  ladder: string
  backup: boolean
  record: boolean
}

export function toForm(r: Rules): Form {
  const number = (n: number | undefined): string => (n ? String(n) : '')
  return {
    protocols: r.protocols ?? [], addresses: (r.addresses ?? []).join(', '), bitrate: number((r.max_bitrate ?? 0) / 1e6), resolution: r.max_resolution ?? '',
    frameRate: number(r.max_frame_rate), hours: number((r.max_duration_s ?? 0) / 3600), takeover: r.takeover !== 'forbid', ladder: r.ladder ?? '', backup: r.backup ?? false, record: r.record ?? false,
  }
}

// fromForm reads a form, or says what is wrong with it.
export function fromForm(f: Form): Rules | string {
  const rules: Rules = {}
  const megabits = positive(f.bitrate)
  const frames = positive(f.frameRate)
  const hours = positive(f.hours)
  if (megabits === null) return 'The bitrate is not a number of Mb/s.'
  if (frames === null) return 'The frame rate is not a number.'
  if (hours === null) return 'The longest time is not a number of hours.'
  const addresses = f.addresses.split(/[\s,]+/).filter(Boolean)
  if (f.protocols.length > 0) rules.protocols = f.protocols
  if (addresses.length > 0) rules.addresses = addresses
  if (megabits) rules.max_bitrate = Math.round(megabits * 1e6)
  if (f.resolution) rules.max_resolution = f.resolution
  if (frames) rules.max_frame_rate = frames
  if (hours) rules.max_duration_s = Math.round(hours * 3600)
  if (!f.takeover) rules.takeover = 'forbid'
  if (f.backup) rules.backup = true
  if (f.record) rules.record = true
  if (f.ladder.trim()) rules.ladder = f.ladder.trim()
  return rules
}

// forBackup are the rules of a key for the backup of another key's encoder. Where that
// one comes from is not where this one does: it is best on another network.
export function forBackup(of: Rules): Rules {
  const { protocols: _protocols, addresses: _addresses, ...same } = of
  return { ...same, backup: true }
}

// A number above 0, 0 for none, null for something else. Commas are decimal
// points in much of the world.
function positive(text: string): number | null {
  if (text.trim() === '') return 0
  const n = Number(text.trim().replace(',', '.'))
  return n > 0 && Number.isFinite(n) ? n : null
}

// streamName says what is wrong with a stream's name, '' if nothing is.
export function streamName(name: string): string {
  if (name === '') return 'Give the stream a name.'
  return /^[a-z0-9][a-z0-9_-]{0,63}$/.test(name) ? '' : 'A stream’s name has small letters, digits, - and _, and begins with a letter or digit.'
}

// passphraseFault says what is wrong with an SRT passphrase (none is fine), '' if
// nothing is.
export function passphraseFault(passphrase: string): string {
  return passphrase === '' || (passphrase.length >= 10 && passphrase.length <= 79) ? '' : 'An SRT passphrase has 10 to 79 characters.'
}
