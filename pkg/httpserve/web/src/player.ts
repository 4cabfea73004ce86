// What the watch page needs of a player, whichever library is behind it.

export interface Quality {
  // The rendition's id, as in the API and in URLs.
  id: string
  height: number
  bandwidth: number
}

export interface Sound {
  // The audio rendition's id or, in the browser's own player, its place.
  id: string
  name: string
}

export interface Facts {
  // Seconds behind the publisher, by the server's clock.
  latency?: number
  // Measured throughput in bits per second.
  bandwidth?: number
  // The id of the rendition that is played.
  quality?: string
}

export interface Player {
  readonly label: string
  qualities(): Quality[]
  // The chosen rendition's id, null for automatic choice.
  selected(): string | null
  select(id: string | null): void
  // The audio tracks, and the id of the one that is heard.
  sounds(): Sound[]
  heard(): string | null
  listen(id: string): void
  facts(now: number): Facts
  goLive(): void
  destroy(): void
}

export interface Listener {
  // The player knows the stream; it may be told to play. (dash.js does not
  // notice that a video plays which was told so before.)
  ready(): void
  // The list of qualities or audio tracks, or what of it plays, has changed.
  changed(): void
  // The player has given up. The page starts another one.
  failed(words: string): void
}

export type Open = (video: HTMLVideoElement, base: string, listener: Listener) => Player

export const engines = ['hls', 'dash', 'native'] as const
export type Engine = (typeof engines)[number]

export const engineNames: Record<Engine, string> = { hls: 'HLS (hls.js)', dash: 'DASH (dash.js)', native: 'HLS (built in)' }

interface WithManaged { ManagedMediaSource?: typeof MediaSource }

// hasMediaSource is false on iPhones before iOS 17.1.
export function hasMediaSource(): boolean {
  return (window.MediaSource ?? (window as WithManaged).ManagedMediaSource) !== undefined
}

export function playsNatively(video: HTMLVideoElement): boolean {
  return video.canPlayType('application/vnd.apple.mpegurl') !== ''
}

// load fetches the engine's code, which is most of this page's bytes.
export async function load(engine: Engine): Promise<Open> {
  switch (engine) {
    case 'hls':
      return (await import('./players/hls')).open
    case 'dash':
      return (await import('./players/dash')).open
    case 'native':
      return (await import('./players/native')).open
  }
}

// A rendition's id is the folder that its playlist is in.
export function renditionOf(url: string): string {
  return new URL(url, location.href).pathname.split('/').at(-2) ?? ''
}

// The media ahead of the playing position, in seconds.
export function buffered(v: HTMLMediaElement): number {
  for (let i = 0; i < v.buffered.length; i++) {
    // A player may stand a little before a range that it will jump to.
    if (v.currentTime >= v.buffered.start(i) - 0.1 && v.currentTime <= v.buffered.end(i)) {
      return v.buffered.end(i) - v.currentTime
    }
  }
  return 0
}
