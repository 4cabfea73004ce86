// One viewer's playback: starts players, and starts another one when one has
// given up, with growing pauses.

import { buffered, type Engine, type Facts, hasMediaSource, load, type Player, playsNatively, type Quality, type Sound } from './player'

const longestPause = 8000
// A picture that stands still for this long will not move by itself; in a
// stream that has ended, its last frames do not come.
const frozenAfter = 12_000
const finishedAfter = 2000
// Where the publisher was away there is a hole in the stream. dash.js waits
// before it for as long as the hole is; starting anew is sooner and keeps the
// viewer near the live edge. It takes this much media (seconds) behind it.
const holeAfter = 1400
const enoughAhead = 6.5
// Playing for this long means that the last trouble is over.
const calmAfter = 10_000

export class Session {
  // What went wrong last, empty while all is well.
  trouble = ''
  // True if the browser wants a click before it plays.
  blocked = false
  // True from the first picture of the present player on.
  shown = false
  // True while the picture waits for data.
  stalled = false
  // True once the stream has ended: the player shows what is left.
  ending = false

  private player: Player | null = null
  private generation = 0
  private failures = 0
  private choice: string | null = null
  // The name of the audio track that the viewer wants to hear: every player has it.
  private wanted: string | null = null
  private retry: number | undefined
  private readonly watch: number
  private moved = { at: 0, position: 0 }
  private calmSince = 0

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly base: string,
    public engine: Engine,
    private readonly changed: () => void,
  ) {
    video.addEventListener('playing', () => this.note({ shown: true, stalled: false, blocked: false }))
    video.addEventListener('waiting', () => this.note({ stalled: true }))
    video.addEventListener('timeupdate', () => {
      if (this.stalled && !video.seeking) this.note({ stalled: false })
    })
    this.watch = window.setInterval(() => this.watchPicture(), 1000)
  }

  private note(facts: Partial<Pick<Session, 'shown' | 'stalled' | 'blocked'>>): void {
    Object.assign(this, facts)
    this.changed()
  }

  get active(): boolean {
    return this.player !== null || this.retry !== undefined
  }

  get label(): string {
    return this.player?.label ?? ''
  }

  qualities(): Quality[] {
    return this.player?.qualities() ?? []
  }

  facts(now: number): Facts {
    return this.player?.facts(now) ?? {}
  }

  get chosen(): string | null {
    return this.choice
  }

  choose(id: string | null): void {
    this.choice = id
    this.player?.select(id)
    this.changed()
  }

  sounds(): Sound[] {
    return this.player?.sounds() ?? []
  }

  get heard(): string | null {
    return this.player?.heard() ?? null
  }

  listen(sound: Sound): void {
    this.wanted = sound.name
    this.player?.listen(sound.id)
    this.changed()
  }

  goLive(): void {
    this.player?.goLive()
    void this.play()
  }

  // begin plays a stream that has just gone live, or a choice of the viewer.
  begin(): void {
    this.failures = 0
    this.trouble = ''
    this.ending = false
    void this.start()
  }

  // start makes a new player, in place of one that is there.
  private async start(): Promise<void> {
    this.stop()
    const mine = this.generation
    this.moved = { at: performance.now(), position: 0 }
    if (!hasMediaSource() && this.engine !== 'native') this.engine = 'native'
    if (this.engine === 'native' && !playsNatively(this.video)) {
      this.trouble = 'This browser cannot play live streams. Try a current Firefox, Chrome, Edge or Safari.'
      this.changed()
      return
    }
    try {
      const open = await load(this.engine)
      if (mine !== this.generation) return
      this.player = open(this.video, this.base, {
        ready: () => {
          if (mine === this.generation) void this.play()
        },
        changed: () => this.playerChanged(mine),
        failed: (words) => this.playOut(mine, words),
      })
    } catch {
      this.fail(mine, 'The player could not be loaded.')
    }
  }

  // stop ends playback and forgets the trouble that is being waited out.
  stop(): void {
    this.generation++
    clearTimeout(this.retry)
    this.retry = undefined
    this.player?.destroy()
    this.player = null
    this.shown = this.stalled = this.blocked = false
    this.changed()
  }

  // close ends playback for good: the session is of no more use.
  close(): void {
    clearInterval(this.watch)
    this.stop()
  }

  async play(): Promise<void> {
    try {
      await this.video.play()
    } catch (error) {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.note({ blocked: true })
    }
  }

  private playerChanged(generation: number): void {
    if (generation !== this.generation || !this.player) return
    const id = this.choice
    if (id !== null && this.player.selected() !== id && this.player.qualities().some((q) => q.id === id)) {
      this.player.select(id)
    }
    const sound = this.player.sounds().find((s) => s.name === this.wanted)
    if (sound && this.player.heard() !== sound.id) this.player.listen(sound.id)
    this.changed()
  }

  // playOut lets viewers see what is loaded before the player is replaced.
  private playOut(generation: number, words: string): void {
    const { video } = this
    const position = video.currentTime
    if (!this.shown || video.paused || buffered(video) < 0.4) {
      this.fail(generation, words)
      return
    }
    setTimeout(() => {
      if (generation !== this.generation) return
      if (video.currentTime === position) this.fail(generation, words)
      else this.playOut(generation, words)
    }, 400)
  }

  private fail(generation: number, words: string): void {
    if (generation !== this.generation) return
    const played = this.shown
    this.stop()
    this.failures++
    // A stream that has just begun may refuse once; that is no news.
    if (played || this.failures > 2) this.trouble = words
    const pause = Math.min(longestPause, 500 * 2 ** Math.min(this.failures, 5))
    this.retry = window.setTimeout(() => void this.start(), pause)
    this.changed()
  }

  // watchPicture notices what no library reports: a picture that stands still.
  private watchPicture(): void {
    const now = performance.now()
    const { video } = this
    if (!this.player || video.ended) return
    if (video.currentTime !== this.moved.position || (video.paused && !this.ending)) {
      if (now - this.moved.at > 2500 || this.calmSince === 0) this.calmSince = now
      this.moved = { at: now, position: video.currentTime }
      if (this.shown && (now - this.calmSince > calmAfter || this.trouble !== '')) this.recover()
      return
    }
    const frozen = now - this.moved.at
    if (this.ending && frozen > finishedAfter) this.stop()
    else if (this.shown && frozen > frozenAfter) this.fail(this.generation, 'The picture stood still.')
    else if (frozen > holeAfter && this.ahead() > enoughAhead) this.begin()
  }

  // ahead is how much media lies behind a hole in front of the picture.
  private ahead(): number {
    const { buffered, currentTime } = this.video
    const last = buffered.length - 1
    return last >= 0 && buffered.start(last) > currentTime ? buffered.end(last) - buffered.start(last) : 0
  }

  private recover(): void {
    this.failures = 0
    if (this.trouble === '') return
    this.trouble = ''
    this.changed()
  }
}
