// Small helpers for making and finding elements.

export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no element #${id}`)
  return found as T
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const e = Object.assign(document.createElement(tag), props)
  e.append(...children)
  return e
}

const paths = {
  play: 'M8 5.5v13l11-6.5z',
  pause: 'M7 5h3.6v14H7zM13.4 5H17v14h-3.6z',
  sound: 'M4 9.5v5h3.5L12 19V5L7.5 9.5zM15 8.2a5 5 0 0 1 0 7.6l1.2 1.4a6.8 6.8 0 0 0 0-10.4z',
  muted: 'M4 9.5v5h3.5L12 19V5L7.5 9.5zM15 10.4l1.1-1.1 1.9 1.9 1.9-1.9L21 10.4 19.1 12.3 21 14.2l-1.1 1.1-1.9-1.9-1.9 1.9-1.1-1.1 1.9-1.9z',
  gear: 'M19.4 13a7.6 7.6 0 0 0 0-2l2-1.5-2-3.4-2.3.9a7.4 7.4 0 0 0-1.7-1L15 3.5h-4l-.4 2.5a7.4 7.4 0 0 0-1.7 1l-2.3-.9-2 3.4 2 1.5a7.6 7.6 0 0 0 0 2l-2 1.5 2 3.4 2.3-.9c.5.4 1.1.7 1.7 1l.4 2.5h4l.4-2.5c.6-.3 1.2-.6 1.7-1l2.3.9 2-3.4zM13 15a3 3 0 1 1 0-6 3 3 0 0 1 0 6z',
  stats: 'M5 19h3v-7H5zm5.5 0h3V5h-3zM16 19h3V9.5h-3z',
  full: 'M5 5h5.5v2H7v3.5H5zm8.5 0H19v5.5h-2V7h-3.5zM5 13.5h2V17h3.5v2H5zm12 0h2V19h-5.5v-2H17z',
  small: 'M8.5 5h2v5.5H5v-2h3.5zm5 0h2v3.5H19v2h-5.5zM5 13.5h5.5V19h-2v-3.5H5zm8.5 0H19v2h-3.5V19h-2z',
}

export type Icon = keyof typeof paths

export function icon(name: Icon): SVGSVGElement {
  const ns = 'http://www.w3.org/2000/svg'
  const svg = document.createElementNS(ns, 'svg')
  svg.setAttribute('viewBox', '0 0 24 24')
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS(ns, 'path')
  path.setAttribute('d', paths[name])
  path.setAttribute('fill', 'currentColor')
  path.setAttribute('fill-rule', 'evenodd')
  svg.append(path)
  return svg
}
