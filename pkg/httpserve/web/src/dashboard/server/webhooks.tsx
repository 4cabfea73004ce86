// Where events are posted to, and how the receivers fare.

import { useState } from 'preact/hooks'
import { Ask, Once } from '../ask'
import { request } from '../client'
import { useApi, useConsole } from '../console'
import { duration, time } from '../format'
import { useAction, useNow } from '../hooks'
import { Card, CopyField, Empty, Notice } from '../parts'
import { describeKind } from '../timeline'

interface Webhook {
  id: string
  url: string
  // Empty for all.
  events: string[]
  label?: string
  configured: boolean
  enabled: boolean
  health: {
    failures: number
    failing_since: string | null
    last_success_at: string | null
    last_error?: string
    disabled_reason?: string
    waiting: number
  }
}

type Asked = 'create' | Webhook | null

export function Webhooks() {
  const now = useNow(30_000)
  const { value, failure, reload } = useApi<{ webhooks: Webhook[] }>('/webhooks', now)
  const [asked, ask] = useState<Asked>(null)
  const done = (): void => {
    ask(null)
    reload()
  }
  const all = value?.webhooks ?? []
  return (
    <Card
      title="Webhooks"
      id="webhooks"
      aside={
        <button type="button" onClick={() => ask('create')}>
          New webhook
        </button>
      }
    >
      {failure && <Notice kind="error">{failure.message}</Notice>}
      {value && all.length === 0 && <Empty title="None yet">Weir posts what happens to your bot or site: a stream began, a quality was reduced.</Empty>}
      <ul class="lines">
        {all.map((w) => (
          <Line key={w.id} item={w} now={now} ask={ask} reload={reload} />
        ))}
      </ul>
      {asked === 'create' && <CreateWebhook close={done} />}
      {asked !== null && asked !== 'create' && <DeleteWebhook item={asked} close={done} />}
    </Card>
  )
}

function grade(w: Webhook): ['good' | 'warning' | 'error' | 'idle', string] {
  if (!w.enabled) return ['error', 'Disabled']
  if (w.health.failures > 0) return ['warning', `Failed ${w.health.failures}×`]
  return w.health.last_success_at ? ['good', 'Delivers'] : ['idle', 'No events yet']
}

function Line({ item: w, now, ask, reload }: { item: Webhook; now: number; ask(what: Asked): void; reload(): void }) {
  const { token } = useConsole()
  const { busy, words, run } = useAction()
  const [outcome, setOutcome] = useState('')
  const [mark, state] = grade(w)
  const name = w.label || w.url
  const facts = [
    w.events.length === 0 ? 'all events' : w.events.map((e) => describeKind(e)).join(', '),
    w.health.last_success_at && `last delivered ${duration(now - Date.parse(w.health.last_success_at))} ago`,
    w.health.waiting > 0 && `${w.health.waiting} wait`,
    w.configured && 'from the configuration',
  ].filter(Boolean)
  const test = async (): Promise<void> => {
    setOutcome('')
    const a = await request<{ delivered: boolean; status?: number; error?: string; took_s: number }>(token, `/webhooks/${w.id}/test`, 'POST')
    setOutcome(a.delivered ? `The receiver took it: ${a.status}, after ${Math.round(a.took_s * 1000)} ms.` : `It was not delivered: ${a.error ?? `the answer was ${a.status}`}`)
    reload()
  }
  const enable = async (): Promise<void> => {
    await request(token, `/webhooks/${w.id}`, 'PATCH', { enabled: true })
    reload()
  }
  return (
    <li class="webhook">
      <div>
        <b>{name}</b>
        {w.label && <p class="small">{w.url}</p>}
        <p class="soft small">{facts.join(' · ')}</p>
        {w.health.failures > 0 && w.health.last_error && (
          <p class="small">
            {w.health.failing_since && `Since ${time(w.health.failing_since)}: `}
            {w.health.last_error}
          </p>
        )}
        {!w.enabled && w.health.disabled_reason && <p class="small">{w.health.disabled_reason}</p>}
        <div class="row">
          <button type="button" class="quiet" disabled={busy} onClick={() => void run(test)}>
            Test <span class="unseen">{name}</span>
          </button>
          {!w.enabled && (
            <button type="button" class="quiet" disabled={busy} onClick={() => void run(enable)}>
              Enable <span class="unseen">{name}</span>
            </button>
          )}
          {!w.configured && (
            <button type="button" class="quiet danger" onClick={() => ask(w)}>
              Delete… <span class="unseen">{name}</span>
            </button>
          )}
        </div>
        <p class="small" role="status">
          {outcome}
        </p>
        {words && <Notice kind="error">{words}</Notice>}
      </div>
      <span class="grade" data-grade={mark}>
        {state}
      </span>
    </li>
  )
}

const kinds = [
  'stream.started', 'stream.resumed', 'stream.ended', 'stream.unhealthy', 'stream.healthy', 'publish.started', 'publish.ended',
  'publish.rejected', 'publish.switched', 'rung.shed', 'rung.restored', 'worker.restarted',
]

function CreateWebhook({ close }: { close(): void }) {
  const { token } = useConsole()
  const [url, setURL] = useState('')
  const [label, setLabel] = useState('')
  const [events, setEvents] = useState<string[]>([])
  const [secret, setSecret] = useState('')
  const toggle = (k: string): void => setEvents(events.includes(k) ? events.filter((e) => e !== k) : [...events, k])
  const check = (): string => (/^https?:\/\/./.test(url.trim()) ? '' : 'Give the address that events are posted to: it begins with https://.')
  const create = async (): Promise<void> => setSecret((await request<{ secret: string }>(token, '/webhooks', 'POST', { url: url.trim(), label, events })).secret)
  if (secret) {
    return (
      <Once title="The webhook’s secret" warning="Copy it now: it is shown this once. By it the receiver knows that events are from Weir." close={close}>
        <CopyField label="Secret" value={secret} />
      </Once>
    )
  }
  return (
    <Ask title="New webhook" verb="Make the webhook" close={close} check={check} act={create}>
      <label>
        <span class="label">Address</span>
        <input type="url" value={url} onInput={(e) => setURL(e.currentTarget.value)} placeholder="https://bot.example.com/weir" spellcheck={false} />
      </label>
      <label>
        <span class="label">What is it for?</span>
        <input value={label} onInput={(e) => setLabel(e.currentTarget.value)} maxLength={64} placeholder="Chat bot" />
      </label>
      <fieldset class="ticks">
        <legend class="label">Events (none ticked: all)</legend>
        {kinds.map((k) => (
          <label key={k} class="tick">
            <input type="checkbox" checked={events.includes(k)} onChange={() => toggle(k)} /> {describeKind(k)}
          </label>
        ))}
      </fieldset>
    </Ask>
  )
}

function DeleteWebhook({ item, close }: { item: Webhook; close(): void }) {
  const { token } = useConsole()
  const remove = async (): Promise<void> => {
    await request(token, `/webhooks/${item.id}`, 'DELETE')
    close()
  }
  return (
    <Ask title={`Delete ${item.label || item.url}?`} verb="Delete" danger close={close} act={remove}>
      <p>Nothing is posted to it any more, and what waits for it is forgotten.</p>
    </Ask>
  )
}
