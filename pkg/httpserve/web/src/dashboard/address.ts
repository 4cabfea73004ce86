// Where encoders and viewers find this gateway, as this page can tell. Pure:
// tested in address.test.ts.

import type { Node } from './types'

export interface Ingest {
  protocol: string
  // What goes into OBS's field Server; with SRT the key is a part of it, in place
  // of KEY.
  server: string
  keyInServer: boolean
  // True where the gateway listens on its own machine alone.
  local: boolean
}

interface Place {
  protocol: string
  hostname: string
  port: string
}

const schemes: Record<string, { scheme: string; port: number; path: string; keyInServer?: boolean }> = {
  rtmps: { scheme: 'rtmps', port: 443, path: '/live' },
  rtmp: { scheme: 'rtmp', port: 1935, path: '/live' },
  // OBS counts latency in microseconds. SRT has no usual port.
  srt: { scheme: 'srt', port: 0, path: '?streamid=KEY&latency=400000', keyInServer: true },
}

// ingests lists what an encoder can publish to, the safest first. host is how
// the creator's browser reaches the gateway.
export function ingests(node: Node | null, host: string): Ingest[] {
  const found: Ingest[] = []
  for (const [protocol, { scheme, port, path, keyInServer = false }] of Object.entries(schemes)) {
    const address = listener(node, protocol)
    if (!address) continue
    const suffix = address.port === port ? '' : `:${address.port}`
    found.push({ protocol: scheme.toUpperCase(), server: `${scheme}://${address.any ? host : bracketed(address.host)}${suffix}${path}`, keyInServer, local: isLoopback(address.host) })
  }
  return found
}

// serverWith is what goes into OBS's field Server for a key.
export const serverWith = (i: Ingest, key: string): string => (i.keyInServer ? i.server.replace('KEY', encodeURIComponent(key)) : i.server)

// watchBase is the origin of the watch page: the public listener's, where this
// page is on the admin listener.
export function watchBase(node: Node | null, here: Place): string {
  if (!node || here.protocol !== 'http:' || String(listener(node, 'admin')?.port) !== here.port) return ''
  const secure = listener(node, 'https')
  const open = secure ?? listener(node, 'http')
  if (!open) return ''
  return `${secure ? 'https' : 'http'}://${open.any ? here.hostname : bracketed(open.host)}:${open.port}`
}

// absolute makes a whole address of one that may be a path.
export function absolute(url: string, base: string): string {
  return /^https?:/.test(url) ? url : base + url
}

interface Listener {
  host: string
  port: number
  // True where every address of the machine is listened on.
  any: boolean
}

function listener(node: Node | null, protocol: string): Listener | undefined {
  const address = node?.listeners.find((l) => l.protocol === protocol)?.address
  const parts = address && /^\[?([^\]]*?)\]?:(\d+)$/.exec(address)
  if (!parts) return undefined
  const host = parts[1] ?? ''
  return { host, port: Number(parts[2]), any: host === '' || host === '::' || host === '0.0.0.0' }
}

const isLoopback = (host: string): boolean => host === '::1' || host.startsWith('127.')
const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)
