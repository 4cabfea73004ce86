// What every page of the dashboard knows once somebody has signed in.

import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { Failure, request } from './client'
import type { Feed, View } from './feed'
import type { Node, Scope } from './types'

export interface Console {
  token: string
  name: string
  scope: Scope
  feed: Feed
  // Null until it is known.
  node: Node | null
  signOut(words?: string): void
}

export const ConsoleContext = createContext<Console | null>(null)

export function useConsole(): Console {
  const c = useContext(ConsoleContext)
  if (!c) throw new Error('this is shown only to those who have signed in')
  return c
}

export function useView(): View {
  const { feed } = useConsole()
  const [view, set] = useState(feed.view)
  useEffect(() => {
    set(feed.view)
    return feed.subscribe(() => set(feed.view))
  }, [feed])
  return view
}

const order: Scope[] = ['viewer', 'operator', 'admin']

export const includes = (have: Scope, need: Scope): boolean => order.indexOf(have) >= order.indexOf(need)

export interface Loaded<T> {
  value: T | null
  failure: Failure | null
  reload(): void
}

// useApi reads a resource of the API, and again whenever path or key change.
// The last value stays while the next one is on its way.
export function useApi<T>(path: string, key: unknown = ''): Loaded<T> {
  const { token } = useConsole()
  const [state, set] = useState<{ path: string; value: T | null; failure: Failure | null }>({ path, value: null, failure: null })
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    let wanted = true
    request<T>(token, path).then(
      (value) => wanted && set({ path, value, failure: null }),
      (error: unknown) => wanted && set((old) => ({ path, value: old.path === path ? old.value : null, failure: asFailure(error) })),
    )
    return () => {
      wanted = false
    }
  }, [token, path, key, turn])
  return { value: state.path === path ? state.value : null, failure: state.failure, reload: () => setTurn((n) => n + 1) }
}

export function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure(0, String(error))
}
