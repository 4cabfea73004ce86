// The stream keys: who may publish what.

import { useState } from 'preact/hooks'
import { includes, useApi, useConsole, useView } from '../console'
import { duration, time } from '../format'
import { streamLink, useNow, useTitle } from '../hooks'
import { Card, Empty, Icon, Notice } from '../parts'
import type { Stream } from '../types'
import { EditKey, type Of, RevokeKey, RotateKey } from './dialogs'
import { words } from './rules'
import type { Key, KeyList } from './types'

export function KeysPage() {
  const { scope } = useConsole()
  useTitle('Stream keys')
  if (!includes(scope, 'admin')) {
    return <Empty title="Stream keys are for administrators">Your token has the scope {scope}. Ask whoever runs Weir for a key, or for a token of scope admin.</Empty>
  }
  return <Keys />
}

type Asked = { what: 'edit'; key?: Key } | { what: 'backup'; of: Of } | { what: 'rotate' | 'revoke'; key: Key }

function Keys() {
  const { node } = useConsole()
  const { streams } = useView()
  const { value, failure, reload } = useApi<KeyList>('/keys')
  const [asked, ask] = useState<Asked | null>(null)
  const done = (): void => {
    ask(null)
    reload()
  }
  const keys = value?.keys ?? []
  const revoked = keys.filter((k) => k.state === 'revoked')
  const current = keys.filter((k) => k.state !== 'revoked')
  const backedUp = new Set(keys.filter((k) => k.state === 'active' && k.rules.backup).map((k) => k.stream))
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Stream keys</h1>
          <p class="soft">Whoever has a key can publish its stream. Give each encoder one of its own.</p>
        </div>
        <button type="button" class="primary" onClick={() => ask({ what: 'edit' })}>
          <Icon name="key" /> New key
        </button>
      </div>
      {node?.open && <Notice kind="warning">This server asks nobody for a key (auth.mode is open): whoever can reach it can publish any stream. Set auth.mode to keys, and those below count.</Notice>}
      {failure && <Notice kind="error">{failure.message}</Notice>}
      {!value && !failure && <p class="soft" role="status">Asking Weir…</p>}
      {value && current.length === 0 && (
        <Card>
          <Empty title="No keys were made here yet">Make one for each encoder, so that you can take one back without touching the others.</Empty>
        </Card>
      )}
      <ul class="keys">
        {current.map((k) => (
          <KeyCard key={k.id} item={k} stream={streams?.find((s) => s.name === k.stream)} lacksBackup={!backedUp.has(k.stream)} ask={ask} />
        ))}
      </ul>
      {value && value.configured.length > 0 && <Configured list={value.configured} backedUp={backedUp} ask={ask} />}
      {revoked.length > 0 && <Revoked list={revoked} />}
      {asked?.what === 'edit' && <EditKey item={asked.key} streams={(streams ?? []).map((s) => s.name)} close={done} />}
      {asked?.what === 'backup' && <EditKey of={asked.of} streams={[]} close={done} />}
      {asked?.what === 'rotate' && <RotateKey item={asked.key} close={done} />}
      {asked?.what === 'revoke' && <RevokeKey item={asked.key} close={done} />}
    </>
  )
}

function KeyCard({ item, stream, lacksBackup, ask }: { item: Key; stream?: Stream; lacksBackup: boolean; ask(what: Asked): void }) {
  const now = useNow(10_000)
  const old = item.secrets.find((s) => s.valid_until && Date.parse(s.valid_until) > now)
  const name = item.label || item.stream
  return (
    <li class="card" aria-labelledby={`key-${item.id}`}>
      <div class="card-head">
        <div>
          <h2 id={`key-${item.id}`}>{name}</h2>
          <p class="soft">
            publishes <a href={streamLink(item.stream)}>{item.stream}</a>
          </p>
        </div>
        {item.state === 'expired' ? <span class="grade" data-grade="warning">Expired</span> : stream?.state === 'live' && <span class="state" data-state="live">Live</span>}
      </div>
      <ul class="rules">
        {words(item.rules).map((w) => (
          <li key={w}>{w}</li>
        ))}
        {item.srt_encrypted && <li>SRT with passphrase</li>}
        {words(item.rules).length === 0 && !item.srt_encrypted && <li>no limits</li>}
      </ul>
      <p class="soft small">
        Made {time(item.created_at)}. {item.expires_at ? (item.state === 'expired' ? `Ended ${time(item.expires_at)}.` : `Ends ${time(item.expires_at)}.`) : 'Does not end.'}
      </p>
      {old?.valid_until && <Notice kind="info">It was rotated. The old secret is good for another {duration(Date.parse(old.valid_until) - now)}: change your encoder until then.</Notice>}
      <div class="actions">
        <button type="button" onClick={() => ask({ what: 'edit', key: item })}>
          Change… <span class="unseen">{name}</span>
        </button>
        {item.state === 'active' && lacksBackup && (
          <button type="button" onClick={() => ask({ what: 'backup', of: item })}>
            Backup key… <span class="unseen">for {name}</span>
          </button>
        )}
        <button type="button" onClick={() => ask({ what: 'rotate', key: item })}>
          Rotate… <span class="unseen">{name}</span>
        </button>
        <button type="button" class="danger" onClick={() => ask({ what: 'revoke', key: item })}>
          Revoke… <span class="unseen">{name}</span>
        </button>
      </div>
    </li>
  )
}

const sources: Record<string, string> = { config: 'the configuration (streams)', file: 'stream-key in Weir’s data folder' }

function Configured({ list, backedUp, ask }: { list: KeyList['configured']; backedUp: Set<string>; ask(what: Asked): void }) {
  return (
    <Card title="Keys from elsewhere" id="configured">
      <p class="soft">Change them there: the dashboard only lists them.</p>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Stream</th>
            <th scope="col">Stands in</th>
            <th scope="col">
              <span class="unseen">Backup</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((k) => (
            <tr key={k.stream + k.source}>
              <th scope="row">
                <a href={streamLink(k.stream)}>{k.stream}</a>
              </th>
              <td data-label="Stands in">{sources[k.source] ?? k.source}</td>
              <td>
                {!backedUp.has(k.stream) && (
                  <button type="button" onClick={() => ask({ what: 'backup', of: { stream: k.stream, label: '', rules: {} } })}>
                    Backup key… <span class="unseen">for {k.stream}</span>
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  )
}

function Revoked({ list }: { list: Key[] }) {
  return (
    <Card>
      <details>
        <summary>
          Revoked in the last 30 days ({list.length})
        </summary>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col">Stream</th>
              <th scope="col">Revoked</th>
            </tr>
          </thead>
          <tbody>
            {list.map((k) => (
              <tr key={k.id}>
                <th scope="row">{k.label || k.id}</th>
                <td data-label="Stream">{k.stream}</td>
                <td data-label="Revoked">{k.revoked_at ? time(k.revoked_at) : '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </Card>
  )
}
