// Figures in words. Every one of them says its unit.

export function bitrate(bits: number): string {
  if (!(bits > 0)) return '–'
  return bits >= 1e6 ? `${(bits / 1e6).toFixed(bits >= 1e7 ? 1 : 2)} Mb/s` : `${Math.round(bits / 1e3)} kb/s`
}

export function seconds(s: number, digits = 1): string {
  // Rounded first: a little below 0 is 0.
  return `${(Number(s.toFixed(digits)) || 0).toFixed(digits)} s`
}

// A measured value of a finding, with the API's name of its unit.
export function measured(value: number, unit = ''): string {
  switch (unit) {
    case 'bit/s':
      return bitrate(value)
    case 's':
      return seconds(value, 2)
    case 'Hz':
      return `${value / 1000} kHz`
    case '%':
      return `${Math.round(value * 10) / 10} %`
  }
  return `${Math.round(value * 100) / 100} ${unit}`.trimEnd()
}

export function fps(rate: number): string {
  return rate > 0 ? String(Math.round(rate * 100) / 100) : 'variable'
}

// How long something took or goes on: 4 s, 3 min 20 s, 2 h 5 min, 3 d 4 h.
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
  const hours = Math.floor((s % 86_400) / 3600)
  return `${Math.floor(s / 86_400)} d${hours > 0 ? ` ${hours} h` : ''}`
}

// A running clock: 0:07, 12:34, 1:02:03.
export function clock(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  const two = (n: number): string => String(n).padStart(2, '0')
  const h = Math.floor(s / 3600)
  const m = Math.floor((s % 3600) / 60)
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`
}

export function bytes(n: number): string {
  if (!(n > 0)) return '–'
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const step = Math.min(units.length - 1, Math.floor(Math.log10(n) / 3))
  const value = n / 1000 ** step
  return `${value >= 100 || step === 0 ? Math.round(value) : value.toFixed(1)} ${units[step]}`
}

const today = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const anyDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })

export function time(iso: string, now = Date.now()): string {
  const at = new Date(iso)
  return at.toDateString() === new Date(now).toDateString() ? today.format(at) : anyDay.format(at)
}

const codecs: Record<string, string> = { h264: 'H.264', hevc: 'HEVC', av1: 'AV1', aac: 'AAC', opus: 'Opus', mp3: 'MP3', flac: 'FLAC', ac3: 'AC-3' }

export const codec = (name: string): string => codecs[name] ?? name.toUpperCase()

// The time at an axis, given in Unix seconds.
const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })

export const tick = (second: number): string => minute.format(second * 1000)

// What an encoder calls itself, without what only its makers want to know.
export function encoder(name: string | undefined): string {
  if (!name) return 'Unknown encoder'
  const obs = /obs-output module \(libobs version ([\d.]+)/.exec(name)
  if (obs) return `OBS Studio ${obs[1]}`
  return /Lavf[\d.]+/.test(name) ? 'FFmpeg' : name
}
