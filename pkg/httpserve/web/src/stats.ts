// The statistics over the picture.

import { make } from './dom'
import { buffered, type Facts } from './player'

export class Stats {
  constructor(
    private readonly root: HTMLElement,
    private readonly video: HTMLVideoElement,
  ) {}

  show(player: string, quality: string, facts: Facts): void {
    const v = this.video
    const frames = v.getVideoPlaybackQuality?.()
    this.row('player', 'Player', player)
    this.row('rendition', 'Rendition', quality)
    this.row('size', 'Picture', v.videoWidth ? `${v.videoWidth} × ${v.videoHeight}` : '–')
    this.row('latency', 'Behind live', seconds(facts.latency))
    this.row('buffer', 'Buffer', seconds(buffered(v)))
    this.row('dropped', 'Dropped frames', frames ? `${frames.droppedVideoFrames} of ${frames.totalVideoFrames}` : '–')
    this.row('bandwidth', 'Connection', facts.bandwidth ? `${(facts.bandwidth / 1e6).toFixed(1)} Mbit/s` : '–')
  }

  private row(fact: string, title: string, value: string): void {
    let cell = this.root.querySelector<HTMLElement>(`[data-fact="${fact}"]`)
    if (!cell) {
      cell = make('dd')
      cell.dataset.fact = fact
      this.root.append(make('dt', {}, title), cell)
    }
    cell.textContent = value
  }
}

function seconds(s: number | undefined): string {
  return s === undefined ? '–' : `${s.toFixed(1)} s`
}
