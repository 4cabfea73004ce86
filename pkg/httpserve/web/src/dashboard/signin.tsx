// The door: asks for an API token, and says what is wrong with one that does
// not open.

import type { TargetedSubmitEvent } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { fetchStreams, type StreamStatus } from '../api'
import { asFailure } from './console'
import { Notice, StateMark } from './parts'
import { useTitle } from './hooks'

interface Props {
  logo: string
  // Why somebody who was signed in is not any more.
  notice: string
  enter(token: string): Promise<void>
}

export function SignIn({ logo, notice, enter }: Props) {
  const [words, say] = useState(notice)
  const [busy, setBusy] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  useTitle('Sign in')
  useEffect(() => field.current?.focus(), [])

  const submit = async (e: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    e.preventDefault()
    const token = field.current?.value.trim() ?? ''
    if (!token) {
      say('Paste your token first.')
      field.current?.focus()
      return
    }
    setBusy(true)
    try {
      await enter(token)
    } catch (error) {
      say(explain(token, asFailure(error)))
      setBusy(false)
      field.current?.select()
    }
  }

  return (
    <main class="door">
      <img src={logo} alt="" width="56" height="56" />
      <h1>Sign in to Weir</h1>
      <p class="soft">Your stream’s health, keys and settings are behind an access token.</p>
      <form class="card door-card" onSubmit={(e) => void submit(e)}>
        <label class="label" for="token">
          Access token
        </label>
        <input
          id="token"
          ref={field}
          type="password"
          placeholder="weir_…"
          autocomplete="current-password"
          autocapitalize="none"
          spellcheck={false}
          aria-invalid={words !== ''}
          aria-describedby="door-words"
        />
        <div id="door-words">{words && <Notice kind="error">{words}</Notice>}</div>
        <button type="submit" class="primary wide" disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
        <details>
          <summary>Where do I get one?</summary>
          <p>
            Weir printed one at its first start, below the stream key. To make another, run <code>weir tokens create NAME --scope admin</code> where
            Weir runs (<code>operator</code> can see and kick, <code>viewer</code> only look). It stays in this browser tab until you close it.
          </p>
        </details>
      </form>
      <OnAir />
    </main>
  )
}

function explain(token: string, failure: { status: number; message: string }): string {
  if (failure.status === 401) {
    return token.startsWith('weir_')
      ? 'This token is wrong, or was revoked. Check that all of it was copied, or make a new one.'
      : 'This is not an access token: those begin with weir_. A stream key does not open the dashboard.'
  }
  if (failure.status === 429) return 'Too many wrong tokens came from here. Wait a minute, then try again.'
  return failure.message
}

// Whoever came to watch finds the way, too.
function OnAir() {
  const [live, setLive] = useState<StreamStatus[]>([])
  useEffect(() => {
    void fetchStreams().then((all) => all !== 'unreachable' && setLive(all.filter((s) => s.state === 'live')))
  }, [])
  if (live.length === 0) return null
  return (
    <section class="on-air" aria-label="Streams that are live">
      {live.slice(0, 8).map((s) => (
        <a key={s.name} href={s.urls.watch}>
          <StateMark state={s.state} /> Watch {s.name}
        </a>
      ))}
    </section>
  )
}
