// The browser's own HLS player, where there is no Media Source.

import type { Facts, Listener, Player, Quality } from '../player'

// Safari's date of the playing position, from PROGRAM-DATE-TIME.
interface DatedVideo extends HTMLVideoElement {
  getStartDate?(): Date
}

export function open(video: DatedVideo, base: string, listener: Listener): Player {
  const failed = (): void => listener.failed('The stream could not be loaded or played.')
  video.addEventListener('error', failed)
  video.src = `${base}/index.m3u8`
  queueMicrotask(() => listener.ready())
  return {
    label: 'built in',
    qualities: (): Quality[] => [],
    selected: () => null,
    select: () => undefined,
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
      video.removeAttribute('src')
      video.load()
    },
  }
}
