// The tokens of the API and of this page.

import { type TargetedSubmitEvent } from 'preact'
import { useState } from 'preact/hooks'
import { request } from '../client'
import { useApi, useConsole } from '../console'
import { time } from '../format'
import { useAction } from '../hooks'
import { Card, Choice, CopyField, Dialog, Notice } from '../parts'
import type { Scope } from '../types'

interface Token {
  id: string
  name: string
  scope: Scope
  created_at: string
}

const scopes = [
  ['viewer', 'Look'],
  ['operator', 'Look and kick'],
  ['admin', 'Everything'],
] as const
const scopeWords: Record<string, string> = Object.fromEntries(scopes)

type Asked = 'create' | Token | null

export function Tokens() {
  const { value, failure, reload } = useApi<{ tokens: Token[] }>('/tokens')
  const [asked, ask] = useState<Asked>(null)
  const done = (): void => {
    ask(null)
    reload()
  }
  return (
    <Card
      title="Access tokens"
      id="tokens"
      aside={
        <button type="button" onClick={() => ask('create')}>
          New token
        </button>
      }
    >
      {failure && <Notice kind="error">{failure.message}</Notice>}
      <ul class="lines">
        {(value?.tokens ?? []).map((t) => (
          <li key={t.id}>
            <div>
              <b>{t.name}</b>
              <p class="soft small">
                {scopeWords[t.scope] ?? t.scope}, made {time(t.created_at)}
              </p>
            </div>
            <button type="button" class="quiet danger" onClick={() => ask(t)}>
              Revoke… <span class="unseen">{t.name}</span>
            </button>
          </li>
        ))}
      </ul>
      {asked === 'create' && <CreateToken close={done} />}
      {asked !== null && asked !== 'create' && <RevokeToken item={asked} close={done} />}
    </Card>
  )
}

function CreateToken({ close }: { close(): void }) {
  const { token } = useConsole()
  const [name, setName] = useState('')
  const [scope, setScope] = useState<Scope>('viewer')
  const [secret, setSecret] = useState('')
  const { busy, words, say, run } = useAction()
  const submit = (e: TargetedSubmitEvent<HTMLFormElement>): void => {
    e.preventDefault()
    if (!name.trim()) {
      say('Say where the token is used, so that you can tell it from the others.')
      return
    }
    void run(async () => setSecret((await request<{ secret: string }>(token, '/tokens', 'POST', { name: name.trim(), scope })).secret))
  }
  if (secret) {
    return (
      <Dialog title={`The token ${name}`} close={close}>
        <Notice kind="warning">Copy it now: it is shown this once.</Notice>
        <CopyField label="Token" value={secret} />
        <div class="dialog-foot">
          <button type="button" class="primary" onClick={close}>
            I have copied it
          </button>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog title="New access token" close={close}>
      <form class="form" onSubmit={submit}>
        <label>
          <span class="label">Name</span>
          <input value={name} onInput={(e) => setName(e.currentTarget.value)} maxLength={64} placeholder="Grafana" />
        </label>
        <Choice label="It may" value={scope} options={scopes} onChange={(s) => setScope(s)} />
        {words && <Notice kind="error">{words}</Notice>}
        <div class="dialog-foot">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            Make the token
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function RevokeToken({ item, close }: { item: Token; close(): void }) {
  const { token, name } = useConsole()
  const { busy, words, run } = useAction()
  const revoke = async (): Promise<void> => {
    await request(token, `/tokens/${item.id}`, 'DELETE')
    close()
  }
  return (
    <Dialog title={`Revoke ${item.name}?`} close={close}>
      <p>It is refused from now on, and cannot be brought back.</p>
      {item.name === name && <Notice kind="warning">It may be the one that you are signed in with: then you are signed out.</Notice>}
      {words && <Notice kind="error">{words}</Notice>}
      <div class="dialog-foot">
        <button type="button" onClick={close}>
          Cancel
        </button>
        <button type="button" class="danger primary" disabled={busy} onClick={() => void run(revoke)}>
          Revoke
        </button>
      </div>
    </Dialog>
  )
}
