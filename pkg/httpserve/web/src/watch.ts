// The watch page: asks how the stream is, plays it while it is live, and says
// in plain words what there is to wait for.

import { type Answer, fetchClockOffset, fetchStream, type State, stateWords, type StreamStatus } from './api'
import { Controls } from './controls'
import { coverFor } from './cover'
import { byId, icon } from './dom'
import { type Group, Menu } from './menu'
import { type Engine, engineNames, engines, hasMediaSource, load, playsNatively } from './player'
import { Session } from './session'
import { Stats } from './stats'

const name = decodeURIComponent(location.pathname.split('/')[2] ?? '')
const video = byId<HTMLVideoElement>('video')
const stage = byId('stage')
const unmute = byId<HTMLButtonElement>('unmute')
const statsBox = byId('stats')

// How often to ask, in milliseconds.
const pauses: Record<State | 'none' | 'unreachable', number> = {
  none: 2000, waiting: 1000, live: 4000, reconnecting: 1500, ended: 2000, unreachable: 2000,
}
const hiddenFactor = 4
// Further than this behind the edge, LIVE offers to catch up (seconds).
const behind = 12
const idleAfter = 2600

let answer: Answer | 'unknown' = 'unknown'
let clockOffset = 0
// The present player belongs to a stream that has ended since.
let outdated = false
let poll: number | undefined

const session = new Session(video, new URL(`/live/${encodeURIComponent(name)}`, location.href).href, chosenEngine(), () => render())
const stats = new Stats(statsBox, video)
const controls = new Controls(byId('bar'), {
  play: togglePlay, mute: toggleMute, volume: setVolume, live: () => session.goLive(),
  menu: () => toggleMenu(), stats: toggleStats, fullscreen: toggleFullscreen,
})
const menu = new Menu(byId('menu'), controls.menu, () => render())

function chosenEngine(): Engine {
  const asked = new URLSearchParams(location.search).get('player') as Engine | null
  if (asked && engines.includes(asked)) return asked
  return hasMediaSource() ? 'hls' : 'native'
}

// --- The stream's state.

async function ask(): Promise<void> {
  clearTimeout(poll)
  const mine = (poll = window.setTimeout(() => undefined))
  const news = await fetchStream(name)
  if (poll !== mine) return // asked again meanwhile
  take(news)
  const pause = pauses[typeof news === 'string' ? news : news.state]
  poll = window.setTimeout(() => void ask(), document.hidden ? pause * hiddenFactor : pause)
}

function take(news: Answer): void {
  answer = news
  const state = typeof news === 'string' ? news : news.state
  if (state === 'ended' || state === 'none' || state === 'waiting') outdated = true
  session.ending = state === 'ended'
  if (state === 'live' && (outdated || !session.active)) {
    outdated = false
    session.begin()
  } else if (state === 'none' || state === 'waiting') {
    if (session.active) session.stop()
    void load(session.engine).catch(() => undefined) // ready when it goes live
  } else if (state === 'ended' && !session.shown) {
    session.stop()
  }
  describe()
  render()
}

video.addEventListener('ended', () => {
  outdated = true
  render()
  void ask()
})
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void ask()
})

// --- What the page shows.

function describe(): void {
  const status: StreamStatus | null = typeof answer === 'string' ? null : answer
  document.title = status?.state === 'live' ? `● ${name} – Weir` : `${name} – Weir`
  byId('title').textContent = name
  const badge = byId('state')
  badge.hidden = !status
  if (!status) {
    byId('subtitle').textContent = ''
    return
  }
  badge.dataset.state = status.state
  badge.textContent = stateWords[status.state]
  const facts: string[] = []
  if (status.source) {
    facts.push(`${Math.min(status.source.width, status.source.height)}p`)
    if (status.source.frame_rate > 0) facts.push(`${Math.round(status.source.frame_rate * 100) / 100} fps`)
  }
  if (status.state === 'live') {
    facts.push(`live since ${new Date(status.since).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}`)
  }
  byId('subtitle').textContent = facts.join(' · ')
}

function render(): void {
  const cover = coverFor({
    name, answer, active: session.active, shown: session.shown, stalled: session.stalled && !video.paused,
    finished: video.ended, blocked: session.blocked, trouble: session.trouble,
  })
  stage.dataset.state = cover.state
  stage.dataset.player = session.engine
  const box = byId('cover')
  box.hidden = cover.state === 'playing'
  box.classList.toggle('clear', cover.clear)
  box.classList.toggle('still', cover.still)
  say('cover-title', cover.title)
  say('cover-text', cover.text)
  say('notice', cover.notice)
  byId('notice').hidden = cover.notice === ''
  byId('cover-button').hidden = cover.state !== 'blocked'
  unmute.hidden = !video.muted || !session.shown || unmute.dataset.refused === 'true'
  byId('bar').hidden = !session.active
  if (!session.active && menu.open) menu.close(false)
  renderControls()
}

function renderControls(): void {
  const live = typeof answer !== 'string' && answer.state === 'live' && session.shown
  const { latency } = session.facts(now())
  controls.show({
    paused: video.paused, muted: video.muted, volume: video.volume,
    edge: live ? !video.paused && (latency ?? 0) < behind : null,
    quality: playing(), menuOpen: menu.open, statsOpen: !statsBox.hidden,
    fullscreen: document.fullscreenElement !== null,
  })
}

function say(id: string, text: string): void {
  const e = byId(id)
  if (e.textContent !== text) e.textContent = text
}

// now is the server's clock.
function now(): number {
  return Date.now() + clockOffset
}

function nameOf(id: string, height: number): string {
  const known = typeof answer === 'string' ? undefined : answer.renditions.find((r) => r.id === id)
  return known?.name ?? `${height}p`
}

// playing is the name of the rendition that is on the screen.
function playing(): string {
  const id = session.facts(now()).quality
  const found = session.qualities().find((q) => q.id === id)
  return found ? nameOf(found.id, found.height) : ''
}

// --- What viewers do.

function togglePlay(): void {
  if (!session.active) return
  if (video.paused) void session.play()
  else video.pause()
}

function toggleMute(): void {
  video.muted = !video.muted
  if (video.muted) unmute.dataset.refused = 'true'
  if (!video.muted && video.volume === 0) video.volume = 0.5
}

function setVolume(value: number): void {
  video.volume = Math.min(1, Math.max(0, value))
  video.muted = value <= 0
}

function toggleStats(): void {
  statsBox.hidden = !statsBox.hidden
  tick()
}

function toggleFullscreen(): void {
  const old = video as HTMLVideoElement & { webkitEnterFullscreen?: () => void }
  if (document.fullscreenElement) void document.exitFullscreen()
  else if (stage.requestFullscreen) void stage.requestFullscreen().catch(() => undefined)
  else old.webkitEnterFullscreen?.()
}

// toggleMenu opens the menu at the group of that title, or closes it.
function toggleMenu(title?: string): void {
  if (menu.open) {
    menu.close()
    return
  }
  const qualities = [...session.qualities()].sort((a, b) => b.height - a.height || b.bandwidth - a.bandwidth)
  const auto = { label: 'Auto', note: session.chosen === null ? playing() : '', checked: session.chosen === null, act: () => session.choose(null) }
  const groups: Group[] = [{
    title: 'Quality',
    items: [auto, ...qualities.map((q) => ({
      label: nameOf(q.id, q.height), note: `${(q.bandwidth / 1e6).toFixed(1)} Mbit/s`,
      checked: session.chosen === q.id, act: () => session.choose(q.id),
    }))],
  }]
  const sounds = session.sounds()
  if (sounds.length > 1) {
    groups.push({
      title: 'Audio',
      items: sounds.map((s) => ({ label: s.name, checked: session.heard === s.id, act: () => session.listen(s) })),
    })
  }
  const able = engines.filter((e) => (e === 'native' ? playsNatively(video) : hasMediaSource()))
  if (able.length > 1) {
    groups.push({
      title: 'Player',
      items: able.map((e) => ({ label: engineNames[e], checked: session.engine === e, act: () => changeEngine(e) })),
    })
  }
  menu.show(groups, title)
}

function changeEngine(engine: Engine): void {
  const url = new URL(location.href)
  url.searchParams.set('player', engine)
  history.replaceState(null, '', url)
  session.engine = engine
  session.begin()
}

const keys: Record<string, () => void> = {
  ' ': togglePlay, k: togglePlay, m: toggleMute, f: toggleFullscreen, s: toggleStats,
  q: () => (session.active ? toggleMenu() : undefined),
  a: () => (session.sounds().length > 1 ? toggleMenu('Audio') : undefined),
  l: () => session.goLive(),
  ArrowUp: () => setVolume(video.volume + 0.1), ArrowDown: () => setVolume(video.volume - 0.1),
}
document.addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || menu.open) return
  const on = e.target as HTMLElement
  // Space presses the button that has the focus; arrows move a slider.
  if ((e.key === ' ' && on.closest('button, a')) || (e.key.startsWith('Arrow') && on.closest('input'))) return
  const act = keys[e.key]
  if (!act) return
  e.preventDefault()
  wake()
  act()
})

unmute.prepend(icon('muted'))
unmute.addEventListener('click', () => {
  toggleMute()
  void session.play()
})
byId('cover-button').addEventListener('click', () => void session.play())
video.addEventListener('click', (e) => {
  if ((e as PointerEvent).pointerType === 'mouse') togglePlay()
})
video.addEventListener('dblclick', toggleFullscreen)
for (const event of ['play', 'pause', 'volumechange', 'resize']) video.addEventListener(event, () => render())
document.addEventListener('fullscreenchange', () => render())

// --- Controls hide while nobody moves.

let idle: number | undefined
function wake(): void {
  clearTimeout(idle)
  stage.classList.remove('idle')
  idle = window.setTimeout(() => {
    const busy = menu.open || video.paused || !session.shown || stage.querySelector('.bar :focus-visible')
    if (!busy) stage.classList.add('idle')
    else wake()
  }, idleAfter)
}
for (const event of ['pointermove', 'pointerdown', 'focusin']) stage.addEventListener(event, wake)

function tick(): void {
  if (!statsBox.hidden) stats.show(session.label, playing() || '–', session.facts(now()))
  renderControls()
}

wake()
describe()
render()
setInterval(tick, 500)
void fetchClockOffset().then((offset) => (clockOffset = offset))
void ask()
