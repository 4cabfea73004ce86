// What several parts of the dashboard need of time and of the address.

import { useEffect, useState } from 'preact/hooks'

// The time now, anew each so many milliseconds while the page is looked at.
export function useNow(every = 1000): number {
  const [now, set] = useState(Date.now)
  useEffect(() => {
    const tick = setInterval(() => document.hidden || set(Date.now()), every)
    return () => clearInterval(tick)
  }, [every])
  return now
}

export interface Action {
  busy: boolean
  // What went wrong, empty if nothing did.
  words: string
  say(words: string): void
  run(act: () => Promise<void>): Promise<void>
}

// useAction runs one thing at a time that a button asks for.
export function useAction(): Action {
  const [busy, setBusy] = useState(false)
  const [words, say] = useState('')
  const run = async (act: () => Promise<void>): Promise<void> => {
    setBusy(true)
    say('')
    try {
      await act()
    } catch (error) {
      say(error instanceof Error ? error.message : String(error))
    }
    setBusy(false)
  }
  return { busy, words, say, run }
}

// Where the page is: the parts of #/streams/main are ["streams", "main"].
export function useRoute(): string[] {
  const [route, set] = useState(readRoute)
  useEffect(() => {
    const changed = (): void => set(readRoute())
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return route
}

function readRoute(): string[] {
  return location.hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter(Boolean)
    .map(decode)
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export const streamLink = (name: string): string => `#/streams/${encodeURIComponent(name)}`

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Weir` : 'Weir'
  }, [title])
}
