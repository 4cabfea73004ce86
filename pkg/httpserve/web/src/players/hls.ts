// hls.js.

import Hls, { ErrorTypes, Events, type ErrorData } from 'hls.js'
import { type Facts, type Listener, type Player, type Quality, renditionOf, type Sound } from '../player'

export function open(video: HTMLVideoElement, base: string, listener: Listener): Player {
  const hls: Hls = new Hls({
    // Segments are CMAF already: there is nothing for a worker to do, and it
    // would need a hole in the page's Content-Security-Policy.
    enableWorker: false,
    // Where the playlists have parts, play as near to the edge as they allow
    // (PART-HOLD-BACK), and catch up unheard rather than jump after a stall.
    lowLatencyMode: true,
    maxLiveSyncPlaybackRate: 1.1,
    xhrSetup: (xhr, url) => ask(xhr, url, hls.latency),
    liveDurationInfinity: true,
    backBufferLength: 30,
    capLevelToPlayerSize: true,
    // Beside an H.264 ladder there may be one rendition of another codec, which
    // has nothing to adapt to: it is for who chooses it.
    videoPreference: { videoCodec: 'avc1' },
    // Start well on an ordinary connection, at once; what is loaded corrects it.
    abrEwmaDefaultEstimate: 4_000_000,
    testBandwidth: false,
    // How the viewer fares (CMCD), in headers: URLs stay the same for all, so that
    // caches serve them to all.
    cmcd: { version: 2, useHeaders: true },
  })
  const player = new HlsPlayer(hls, listener)
  hls.loadSource(`${base}/index.m3u8`)
  hls.attachMedia(video)
  return player
}

// Says that parts will do where there is no second segment yet, and how far behind
// the live edge the viewer is, in seconds: hls.js leaves that out of its CMCD.
function ask(xhr: XMLHttpRequest, url: string, latency: number): void {
  const address = new URL(url, location.href)
  if (address.pathname.endsWith('/index.m3u8')) address.searchParams.set('ll', '1')
  xhr.open('GET', address, true)
  if (latency > 0) xhr.setRequestHeader('CMCD-Request', `ltc=${Math.round(latency * 10) * 100}`)
}

class HlsPlayer implements Player {
  readonly label = 'hls.js'
  private recovered = 0

  constructor(
    private readonly hls: Hls,
    private readonly listener: Listener,
  ) {
    hls.on(Events.MANIFEST_PARSED, () => {
      listener.changed()
      listener.ready()
    })
    for (const event of [Events.LEVEL_SWITCHED, Events.AUDIO_TRACKS_UPDATED, Events.AUDIO_TRACK_SWITCHING] as const) {
      hls.on(event, () => listener.changed())
    }
    hls.on(Events.ERROR, (_, data) => this.error(data))
  }

  private error(data: ErrorData): void {
    if (!data.fatal) return
    const now = performance.now()
    if (data.type === ErrorTypes.MEDIA_ERROR && now - this.recovered > 10_000) {
      this.recovered = now
      this.hls.recoverMediaError()
      return
    }
    this.listener.failed(
      data.type === ErrorTypes.NETWORK_ERROR
        ? 'The connection to the stream was lost.'
        : 'Your browser could not play this part of the stream.',
    )
  }

  qualities(): Quality[] {
    return this.hls.levels.map((l) => ({ id: renditionOf(l.uri), height: Math.min(l.height, l.width), bandwidth: l.bitrate }))
  }

  selected(): string | null {
    return this.hls.autoLevelEnabled ? null : this.idOf(this.hls.loadLevel)
  }

  select(id: string | null): void {
    this.hls.nextLevel = id === null ? -1 : this.hls.levels.findIndex((l) => renditionOf(l.uri) === id)
  }

  sounds(): Sound[] {
    return this.hls.audioTracks.map((t) => ({ id: renditionOf(t.url), name: t.name }))
  }

  heard(): string | null {
    return this.sounds()[this.hls.audioTrack]?.id ?? null
  }

  listen(id: string): void {
    const at = this.sounds().findIndex((s) => s.id === id)
    if (at >= 0) this.hls.audioTrack = at
  }

  private idOf(level: number): string | null {
    const found = this.hls.levels[level]
    return found ? renditionOf(found.uri) : null
  }

  facts(now: number): Facts {
    const playing = this.hls.playingDate
    return {
      latency: playing ? (now - playing.getTime()) / 1000 : undefined,
      bandwidth: this.hls.bandwidthEstimate,
      quality: this.idOf(this.hls.currentLevel) ?? undefined,
    }
  }

  goLive(): void {
    const edge = this.hls.liveSyncPosition
    if (edge !== null && this.hls.media) this.hls.media.currentTime = edge
  }

  destroy(): void {
    this.hls.destroy()
  }
}
