// What is asked before a stream key is made, changed, rotated or revoked.

import { useState } from 'preact/hooks'
import { ingests, serverWith } from '../address'
import { Ask, Once } from '../ask'
import { request } from '../client'
import { useConsole } from '../console'
import { Choice, CopyField } from '../parts'
import { type Form, forBackup, fromForm, passphraseFault, resolutions, type Rules, streamName, toForm } from './rules'
import type { Key, NewKey } from './types'

// Secret shows a new secret, the only time that it can be seen.
function Secret({ made, close }: { made: NewKey; close(): void }) {
  const { node } = useConsole()
  const found = ingests(node, location.hostname)
  const [wanted, want] = useState('')
  const chosen = found.find((i) => i.protocol === wanted) ?? found[0]
  return (
    <Once title={`The key of ${made.key.stream}`} warning="Copy the key now: it is shown this once. Whoever has it can publish as you." close={close}>
      <p class="soft">
        In OBS: <b>Settings → Stream</b>, Service <b>Custom…</b>
      </p>
      {found.length > 1 && chosen && <Choice label="Protocol" value={chosen.protocol} options={found.map((i) => [i.protocol, i.protocol] as const)} onChange={want} />}
      {chosen && <CopyField label="Server" value={serverWith(chosen, made.secret)} />}
      {chosen?.keyInServer ? <p class="soft small">With SRT the key is a part of the server’s address; OBS’s field Stream Key stays empty.</p> : <CopyField label="Stream Key" value={made.secret} />}
    </Once>
  )
}

const day = 24 * 3600
const lives = [
  ['', 'Never'],
  [String(day), 'In a day'],
  [String(7 * day), 'In a week'],
  [String(30 * day), 'In 30 days'],
] as const

// Of is whose backup a new key is for.
export interface Of {
  stream: string
  label: string
  rules: Rules
}

// EditKey makes a key, that for a backup of another's encoder, or changes item.
export function EditKey({ item, of, streams, close }: { item?: Key; of?: Of; streams: string[]; close(): void }) {
  const { token } = useConsole()
  const [form, setForm] = useState<Form>(() => toForm(item?.rules ?? (of ? forBackup(of.rules) : {})))
  const [stream, setStream] = useState(item?.stream ?? of?.stream ?? '')
  const [label, setLabel] = useState(item?.label ?? (of ? `${of.label || of.stream}, backup` : ''))
  const [life, setLife] = useState<string>('')
  const [passphrase, setPassphrase] = useState('')
  const [made, setMade] = useState<NewKey | null>(null)
  const change = (part: Partial<Form>): void => setForm({ ...form, ...part })

  const check = (): string => {
    const rules = fromForm(form)
    return (item ? '' : streamName(stream)) || (typeof rules === 'string' ? rules : '') || passphraseFault(passphrase)
  }
  const save = async (): Promise<void> => {
    const wanted = {
      label, rules: fromForm(form), srt_passphrase: passphrase || undefined,
      expires_at: life === '' ? undefined : new Date(Date.now() + Number(life) * 1000).toISOString(),
    }
    if (item) {
      await request(token, `/keys/${item.id}`, 'PATCH', wanted)
      close()
    } else {
      setMade(await request<NewKey>(token, '/keys', 'POST', { stream, ...wanted }))
    }
  }
  if (made) return <Secret made={made} close={close} />
  return (
    <Ask title={item ? `Change ${item.label || item.stream}` : of ? `A backup for ${of.stream}` : 'New stream key'} verb={item ? 'Save' : 'Make the key'} close={close} check={check} act={save}>
      {of && (
        <p>
          Put this key into a second encoder, best on another network, and let both run. The second one stands by, and is on air as soon as
          the first one’s media is missing.
        </p>
      )}
      {!item && !of && (
        <label>
          <span class="label">Stream</span>
          <input list="stream-names" value={stream} onInput={(e) => setStream(e.currentTarget.value)} autocapitalize="none" spellcheck={false} placeholder="main" aria-describedby="stream-help" />
          <datalist id="stream-names">
            {streams.map((s) => (
              <option key={s} value={s} />
            ))}
          </datalist>
          <span class="soft small" id="stream-help">
            Its name in every address. A stream may have several keys.
          </span>
        </label>
      )}
      <label>
        <span class="label">Whose is it?</span>
        <input value={label} onInput={(e) => setLabel(e.currentTarget.value)} maxLength={100} placeholder="Anna’s laptop" />
      </label>
      <Choice label={item ? 'Let it end' : 'It ends'} value={life} options={item ? ([['', 'As before'], ...lives.slice(1)] as const) : lives} onChange={(l) => setLife(l)} />
      <details open={item !== undefined}>
        <summary>Limits</summary>
        <Limits form={form} change={change} />
        <label>
          <span class="label">SRT passphrase</span>
          <input value={passphrase} onInput={(e) => setPassphrase(e.currentTarget.value)} maxLength={79} autocomplete="off" spellcheck={false} placeholder={item?.srt_encrypted ? 'as before' : 'none'} />
        </label>
      </details>
    </Ask>
  )
}

const protocols = ['rtmp', 'rtmps', 'srt']

function Limits({ form, change }: { form: Form; change(part: Partial<Form>): void }) {
  const toggle = (p: string): void => change({ protocols: form.protocols.includes(p) ? form.protocols.filter((q) => q !== p) : [...form.protocols, p] })
  return (
    <div class="limits">
      <fieldset class="ticks">
        <legend class="label">Only by (none ticked: by all)</legend>
        {protocols.map((p) => (
          <label key={p} class="tick">
            <input type="checkbox" checked={form.protocols.includes(p)} onChange={() => toggle(p)} /> {p.toUpperCase()}
          </label>
        ))}
      </fieldset>
      <label class="across">
        <span class="label">Only from these addresses</span>
        <input value={form.addresses} onInput={(e) => change({ addresses: e.currentTarget.value })} placeholder="any, such as 192.0.2.7, 10.0.0.0/8" spellcheck={false} />
      </label>
      <Limit label="Bitrate at most" unit="Mb/s" value={form.bitrate} set={(bitrate) => change({ bitrate })} />
      <label>
        <span class="label">Picture at most</span>
        <select value={form.resolution} onChange={(e) => change({ resolution: e.currentTarget.value })}>
          <option value="">Any size</option>
          {[...new Set([...resolutions, form.resolution])].filter(Boolean).map((r) => (
            <option key={r} value={r}>
              {r.replace('x', '×')}
            </option>
          ))}
        </select>
      </label>
      <Limit label="Frame rate at most" unit="fps" value={form.frameRate} set={(frameRate) => change({ frameRate })} />
      <Limit label="Broadcast at most" unit="hours" value={form.hours} set={(hours) => change({ hours })} />
      <label class="across">
        <span class="label">Qualities</span>
        <input value={form.ladder} onInput={(e) => change({ ladder: e.currentTarget.value })} placeholder="as Weir is configured, or 720p:2500k,480p" spellcheck={false} />
      </label>
      <label class="tick across">
        <input type="checkbox" checked={form.takeover} onChange={(e) => change({ takeover: e.currentTarget.checked })} /> A second encoder with this key takes over
      </label>
      <label class="tick across">
        <input type="checkbox" checked={form.backup} onChange={(e) => change({ backup: e.currentTarget.checked })} /> For a backup encoder, which goes on air when the stream’s other one is lost
      </label>
      <label class="tick across">
        <input type="checkbox" checked={form.record} onChange={(e) => change({ record: e.currentTarget.checked })} /> Record what is published with this key
      </label>
    </div>
  )
}

function Limit({ label, unit, value, set }: { label: string; unit: string; value: string; set(text: string): void }) {
  return (
    <label>
      <span class="label">{label}</span>
      <span class="with-unit">
        <input inputMode="decimal" value={value} onInput={(e) => set(e.currentTarget.value)} placeholder="any" />
        <span>{unit}</span>
      </span>
    </label>
  )
}

const overlaps = [
  ['86400', 'A day'],
  ['3600', 'An hour'],
  ['0', 'Not at all'],
] as const

export function RotateKey({ item, close }: { item: Key; close(): void }) {
  const { token } = useConsole()
  const [overlap, setOverlap] = useState<string>('86400')
  const [made, setMade] = useState<NewKey | null>(null)
  const rotate = async (): Promise<void> => setMade(await request<NewKey>(token, `/keys/${item.id}/rotate`, 'POST', { overlap_s: Number(overlap) }))
  if (made) return <Secret made={made} close={close} />
  return (
    <Ask title={`A new secret for ${item.label || item.stream}?`} verb="Rotate" close={close} act={rotate}>
      <p>Whoever publishes now goes on. The old secret stays good for a while, so that you can change the encoder at leisure.</p>
      <Choice label="The old one is good for" value={overlap} options={overlaps} onChange={(o) => setOverlap(o)} />
      {overlap === '0' && <p class="soft small">Right where somebody else has got hold of it.</p>}
    </Ask>
  )
}

export function RevokeKey({ item, close }: { item: Key; close(): void }) {
  const { token } = useConsole()
  const revoke = async (): Promise<void> => {
    await request(token, `/keys/${item.id}`, 'DELETE')
    close()
  }
  return (
    <Ask title={`Revoke ${item.label || item.stream}?`} verb="Revoke" danger close={close} act={revoke}>
      <p>
        Whoever publishes <b>{item.stream}</b> with it is disconnected at once, and it opens nothing any more. This cannot be taken back.
      </p>
    </Ask>
  )
}
