// The bar under the picture.

import { icon, type Icon, make } from './dom'

export interface Actions {
  play(): void
  mute(): void
  volume(value: number): void
  live(): void
  menu(): void
  stats(): void
  fullscreen(): void
}

// What the bar shows.
export interface Shown {
  paused: boolean
  muted: boolean
  volume: number
  // True at the live edge, false behind it, null if there is no live stream.
  edge: boolean | null
  quality: string
  menuOpen: boolean
  statsOpen: boolean
  fullscreen: boolean
}

export class Controls {
  private readonly play: HTMLButtonElement
  private readonly mute: HTMLButtonElement
  private readonly volume: HTMLInputElement
  private readonly live: HTMLButtonElement
  readonly menu: HTMLButtonElement
  private readonly quality = make('span')
  private readonly stats: HTMLButtonElement
  private readonly full: HTMLButtonElement

  constructor(bar: HTMLElement, act: Actions) {
    this.play = button('play', () => act.play())
    this.mute = button('sound', () => act.mute())
    this.volume = make('input', { type: 'range', min: '0', max: '1', step: '0.05', ariaLabel: 'Volume' })
    this.volume.addEventListener('input', () => act.volume(Number(this.volume.value)))
    this.live = make('button', { type: 'button', className: 'golive' }, 'LIVE')
    this.live.addEventListener('click', () => act.live())
    this.menu = button('gear', () => act.menu(), 'Quality, audio and player')
    this.menu.classList.add('quality')
    this.menu.setAttribute('aria-haspopup', 'menu')
    this.menu.prepend(this.quality)
    this.stats = button('stats', () => act.stats(), 'Statistics')
    this.full = button('full', () => act.fullscreen())
    bar.append(this.play, this.mute, this.volume, this.live, make('span', { className: 'gap' }), this.menu, this.stats, this.full)
  }

  show(s: Shown): void {
    face(this.play, s.paused ? 'play' : 'pause', s.paused ? 'Play' : 'Pause')
    face(this.mute, s.muted ? 'muted' : 'sound', s.muted ? 'Unmute' : 'Mute')
    this.volume.value = String(s.muted ? 0 : s.volume)
    this.live.hidden = s.edge === null
    this.live.dataset.edge = String(s.edge === true)
    this.live.ariaLabel = s.edge ? 'Live: you see the newest picture' : 'Go to the live edge'
    this.live.title = s.edge ? '' : 'Go to the live edge'
    this.quality.textContent = s.quality
    this.menu.ariaExpanded = String(s.menuOpen)
    this.stats.ariaPressed = String(s.statsOpen)
    face(this.full, s.fullscreen ? 'small' : 'full', s.fullscreen ? 'Leave full screen' : 'Full screen')
  }
}

function button(picture: Icon, act: () => void, label = ''): HTMLButtonElement {
  const b = make('button', { type: 'button', title: label, ariaLabel: label }, icon(picture))
  b.dataset.icon = picture
  b.addEventListener('click', act)
  return b
}

// face changes a button's picture only when it is another one, so that focus
// and clicks in progress are not disturbed.
function face(b: HTMLButtonElement, picture: Icon, label: string): void {
  if (b.dataset.icon !== picture) {
    b.dataset.icon = picture
    b.querySelector('svg')?.replaceWith(icon(picture))
  }
  b.ariaLabel = label
  b.title = label
}
