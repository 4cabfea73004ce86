// The tokens of the API and of this page.

import { useState } from 'preact/hooks'
import { Ask, Once } from '../ask'
import { request } from '../client'
import { useApi, useConsole } from '../console'
import { time } from '../format'
import { Card, Choice, CopyField, Notice } from '../parts'
import type { Scope } from '../types'

interface Token {
  id: string
  name: string
  scope: Scope
  created_at: string
}

const scopes = [
  ['viewer', 'Look (viewer)'],
  ['operator', 'Kick, too (operator)'],
  ['admin', 'Do everything (admin)'],
] as const

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
                {t.scope}, made {time(t.created_at)}
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
  const check = (): string => (name.trim() ? '' : 'Say where the token is used, so that you can tell it from the others.')
  const create = async (): Promise<void> => setSecret((await request<{ secret: string }>(token, '/tokens', 'POST', { name: name.trim(), scope })).secret)
  if (secret) {
    return (
      <Once title={`The token ${name}`} warning="Copy it now: it is shown this once." close={close}>
        <CopyField label="Token" value={secret} />
      </Once>
    )
  }
  return (
    <Ask title="New access token" verb="Make the token" close={close} check={check} act={create}>
      <label>
        <span class="label">Name</span>
        <input value={name} onInput={(e) => setName(e.currentTarget.value)} maxLength={64} placeholder="Grafana" />
      </label>
      <Choice label="It may" value={scope} options={scopes} onChange={(s) => setScope(s)} />
    </Ask>
  )
}

function RevokeToken({ item, close }: { item: Token; close(): void }) {
  const { token, name } = useConsole()
  const revoke = async (): Promise<void> => {
    await request(token, `/tokens/${item.id}`, 'DELETE')
    close()
  }
  return (
    <Ask title={`Revoke ${item.name}?`} verb="Revoke" danger close={close} act={revoke}>
      <p>It is refused from now on, and cannot be brought back.</p>
      {item.name === name && <Notice kind="warning">It may be the one that you are signed in with: then you are signed out.</Notice>}
    </Ask>
  )
}
