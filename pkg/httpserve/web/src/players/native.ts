// The browser's own HLS player, where there is no Media Source.

import type { Facts, Listener, Player, Quality, Sound } from '../player'

// Safari's date of the playing position, from PROGRAM-DATE-TIME.
interface DatedVideo extends HTMLVideoElement {
  getStartDate?(): Date
  readonly audioTracks?: AudioTracks
}

// AudioTrackList of HTML, which has tracks where Safari plays HLS.
interface AudioTracks extends EventTarget {
  readonly length: number
  [at: number]: { enabled: boolean; readonly label: string; readonly language: string }
}

export function open(video: DatedVideo, base: string, listener: Listener): Player {
  const failed = (): void => listener.failed('The stream could not be loaded or played.')
  video.addEventListener('error', failed)
  const changed = (): void => listener.changed()
  const tracks = (): Array<AudioTracks[number]> => Array.from(video.audioTracks ?? ({ length: 0 } as AudioTracks))
  for (const event of ['addtrack', 'change']) video.audioTracks?.addEventListener(event, changed)
  video.src = `${base}/index.m3u8`
  queueMicrotask(() => listener.ready())
  return {
    label: 'built in',
    qualities: (): Quality[] => [],
    selected: () => null,
    select: () => undefined,
    sounds: (): Sound[] => tracks().map((t, at) => ({ id: String(at), name: t.label || t.language || `Audio ${at + 1}` })),
    heard(): string | null {
      const at = tracks().findIndex((t) => t.enabled)
      return at < 0 ? null : String(at)
    },
    listen(id: string): void {
      tracks().forEach((t, at) => (t.enabled = String(at) === id))
    },
    facts(now: number): Facts {
      const start = video.getStartDate?.().getTime() ?? NaN
      return { latency: Number.isFinite(start) ? (now - start) / 1000 - video.currentTime : undefined }
    },
    goLive() {
      const s = video.seekable
      if (s.length > 0) video.currentTime = Math.max(s.start(0), s.end(s.length - 1) - 6)
    },
    destroy() {
      video.removeEventListener('error', failed)
      for (const event of ['addtrack', 'change']) video.audioTracks?.removeEventListener(event, changed)
      video.removeAttribute('src')
      video.load()
    },
  }
}
