// dash.js. Where the source has a constant frame rate, manifest-ll.mpd turns its
// low-latency mode on and says how near to the edge to play; else it is plain.

import { MediaPlayer, type MediaInfo, type MediaPlayerClass } from 'dashjs'
import type { Facts, Listener, Player, Quality, Sound } from '../player'

export function open(video: HTMLVideoElement, base: string, listener: Listener): Player {
  const dash = MediaPlayer().create()
  dash.updateSettings({
    streaming: {
      buffer: { fastSwitchEnabled: true, bufferToKeep: 30 },
      abr: { initialBitrate: { video: 4000 } },
      // Once it has given up on a manifest, it never asks again: these last for the
      // minute that a restart of Weir may take, low-latency mode included.
      retryAttempts: { MPD: 60 },
      retryIntervals: { MPD: 1000 },
      // As in hls.ts.
      cmcd: { enabled: true, version: 2, mode: 'header' },
    },
  })
  const player = new DashPlayer(dash, listener)
  dash.initialize(video, `${base}/manifest-ll.mpd`, false)
  return player
}

class DashPlayer implements Player {
  readonly label = 'dash.js'
  private chosen: string | null = null
  private sound: string | null = null
  private started = false

  constructor(
    private readonly dash: MediaPlayerClass,
    listener: Listener,
  ) {
    const events = MediaPlayer.events
    dash.on(events.STREAM_INITIALIZED, () => {
      if (this.chosen !== null) this.select(this.chosen) // a new Period
      if (this.sound !== null) this.listen(this.sound)
      listener.changed()
      if (!this.started) listener.ready()
      this.started = true
    })
    dash.on(events.QUALITY_CHANGE_RENDERED, () => listener.changed())
    dash.on(events.TRACK_CHANGE_RENDERED, () => listener.changed())
    dash.on(events.MANIFEST_LOADED, ({ data }) => {
      if (this.left(data)) listener.failed('The stream began anew.')
    })
    dash.on(events.ERROR, () => listener.failed('The stream could not be loaded or played.'))
  }

  // left reports whether the Period that plays is in a manifest no more, as after a
  // restart of Weir. dash.js keeps it, and its end is never told.
  private left(manifest: object): boolean {
    const playing = this.started ? this.dash.getActiveStream()?.getId() : undefined
    return playing !== undefined && !this.dash.getStreamsFromManifest(manifest).some((period) => period.id === playing)
  }

  qualities(): Quality[] {
    return this.dash.getRepresentationsByType('video').map((r) => ({
      id: r.id,
      height: Math.min(r.height, r.width),
      bandwidth: r.bandwidth,
    }))
  }

  selected(): string | null {
    return this.chosen
  }

  select(id: string | null): void {
    this.chosen = id
    this.dash.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: id === null } } } })
    if (id !== null) this.dash.setRepresentationForTypeById('video', id, false)
  }

  sounds(): Sound[] {
    return this.tracks().map((t) => ({ id: soundOf(t), name: t.labels[0]?.text || t.lang || 'Audio' }))
  }

  heard(): string | null {
    const track = this.dash.isReady() ? this.dash.getCurrentTrackFor('audio') : null
    return track ? soundOf(track) : null
  }

  listen(id: string): void {
    this.sound = id
    const track = this.tracks().find((t) => soundOf(t) === id)
    if (track && this.heard() !== id) this.dash.setCurrentTrack(track)
  }

  private tracks(): MediaInfo[] {
    return this.dash.isReady() ? this.dash.getTracksFor('audio') : []
  }

  facts(now: number): Facts {
    const playing = this.dash.isReady() ? this.dash.timeAsUTC() : NaN
    const throughput = this.dash.getAverageThroughput('video')
    return {
      latency: Number.isFinite(playing) ? now / 1000 - playing : undefined,
      bandwidth: throughput > 0 ? throughput * 1000 : undefined,
      quality: this.dash.getCurrentRepresentationForType('video')?.id,
    }
  }

  goLive(): void {
    this.dash.seekToOriginalLive()
  }

  destroy(): void {
    this.dash.destroy()
  }
}

// An audio AdaptationSet has one Representation, whose id is the rendition's.
function soundOf(track: MediaInfo): string {
  return track.bitrateList[0]?.id ?? ''
}
