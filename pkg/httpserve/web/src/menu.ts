// The menu of qualities, audio tracks and players: radio items in groups, for mouse, touch
// and keyboard (WAI-ARIA menu pattern).

import { make } from './dom'

export interface Item {
  label: string
  note?: string
  checked: boolean
  act(): void
}

export interface Group {
  title: string
  items: Item[]
}

export class Menu {
  constructor(
    private readonly root: HTMLElement,
    private readonly opener: HTMLElement,
    private readonly changed: () => void,
  ) {
    root.addEventListener('keydown', (e) => this.key(e))
    document.addEventListener('pointerdown', (e) => {
      const at = e.target as Node
      if (this.open && !root.contains(at) && !opener.contains(at)) this.close(false)
    })
  }

  get open(): boolean {
    return !this.root.hidden
  }

  // show opens the menu; the focus is on what is checked in the group of that title,
  // or in the first one.
  show(groups: Group[], title = groups[0]?.title ?? ''): void {
    this.root.replaceChildren(...groups.map((g) => this.group(g)))
    this.root.hidden = false
    const group = `[role="group"][aria-label="${CSS.escape(title)}"]`
    const checked = this.root.querySelector<HTMLElement>(`${group} [aria-checked="true"]`)
    ;(checked ?? this.buttons()[0])?.focus()
    this.changed()
  }

  close(refocus = true): void {
    this.root.hidden = true
    if (refocus) this.opener.focus()
    this.changed()
  }

  private group(g: Group): HTMLElement {
    const items = g.items.map((item) => {
      const b = make('button', { type: 'button', tabIndex: -1 }, item.label)
      b.setAttribute('role', 'menuitemradio')
      b.ariaChecked = String(item.checked)
      if (item.note) b.append(make('small', {}, item.note))
      b.addEventListener('click', () => {
        this.close()
        item.act()
      })
      return b
    })
    const box = make('div', {}, make('h2', {}, g.title), ...items)
    box.setAttribute('role', 'group')
    box.ariaLabel = g.title
    return box
  }

  private buttons(): HTMLElement[] {
    return [...this.root.querySelectorAll<HTMLElement>('button')]
  }

  private key(e: KeyboardEvent): void {
    const all = this.buttons()
    const at = all.indexOf(document.activeElement as HTMLElement)
    const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }
    if (e.key === 'Escape' || e.key === 'Tab') {
      this.close()
    } else if (e.key in to) {
      all.at((to[e.key] ?? 0) % all.length)?.focus()
    } else {
      return
    }
    e.preventDefault()
    e.stopPropagation()
  }
}
