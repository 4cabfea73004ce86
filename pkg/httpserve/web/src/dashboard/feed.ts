// The one live connection of the dashboard: what streams are doing, once a
// second, and what happens to them.

import { Failure, failureOf, request } from './client'
import { Parser } from './sse'
import type { Event, Stream } from './types'

export type Link = 'connecting' | 'live' | 'lost'

export interface View {
  link: Link
  // Null until the first answer.
  streams: Stream[] | null
  // The newest first.
  events: Event[]
}

const eventsKept = 256
// Weir says something at least each 15 s; after this long it is gone.
const silence = 40_000
const shortestPause = 500
const longestPause = 10_000

export class Feed {
  view: View = { link: 'connecting', streams: null, events: [] }

  private readonly listeners = new Set<() => void>()
  private readonly closing = new AbortController()
  private failures = 0

  // refused is called once if the token is not good (any more).
  constructor(
    private readonly token: string,
    private readonly refused: (failure: Failure) => void,
  ) {
    void this.run()
  }

  // subscribe has the property of useSyncExternalStore: it returns its undoing.
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  snapshot = (): View => this.view

  close(): void {
    this.closing.abort()
  }

  private set(change: Partial<View>): void {
    this.view = { ...this.view, ...change }
    for (const listener of this.listeners) listener()
  }

  private async run(): Promise<void> {
    while (!this.closing.signal.aborted) {
      try {
        await this.listen()
      } catch (error) {
        if (error instanceof Failure && (error.status === 401 || error.status === 403)) {
          this.refused(error)
          return
        }
      }
      if (this.closing.signal.aborted) return
      this.failures++
      this.set({ link: 'lost' })
      await pause(Math.min(longestPause, shortestPause * 2 ** Math.min(this.failures, 6)))
    }
  }

  // listen reads one connection to its end.
  private async listen(): Promise<void> {
    const cut = new AbortController()
    const close = (): void => cut.abort()
    this.closing.signal.addEventListener('abort', close)
    let watch = window.setTimeout(close, silence)
    try {
      await this.recall()
      const headers: Record<string, string> = { Authorization: `Bearer ${this.token}` }
      const last = this.view.events[0]
      if (last) headers['Last-Event-ID'] = String(last.id)
      const res = await fetch('/api/v1/events', { headers, signal: cut.signal, cache: 'no-store' })
      if (!res.ok || !res.body) throw await failureOf(res)
      const reader = res.body.pipeThrough(new TextDecoderStream()).getReader()
      const parser = new Parser()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        clearTimeout(watch)
        watch = window.setTimeout(close, silence)
        for (const m of parser.push(value)) this.take(m.event, m.data)
      }
    } finally {
      clearTimeout(watch)
      this.closing.signal.removeEventListener('abort', close)
      cut.abort()
    }
  }

  // recall asks what happened before this page was opened, or while Weir was
  // away: after a restart its events count from 1 again.
  private async recall(): Promise<void> {
    const { events } = await request<{ events: Event[] }>(this.token, '/events/recent')
    this.set({ events })
  }

  private take(kind: string, data: string): void {
    this.failures = 0
    if (kind === 'streams') {
      this.set({ link: 'live', streams: (JSON.parse(data) as { streams: Stream[] }).streams })
      return
    }
    const event = JSON.parse(data) as Event
    if (this.view.events.some((e) => e.id === event.id)) return
    this.set({ events: [event, ...this.view.events].slice(0, eventsKept) })
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
