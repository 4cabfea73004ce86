// The gateway itself: how it fares, who may do what, and what was changed.

import { useEffect, useRef, useState } from 'preact/hooks'
import { includes, useConsole } from '../console'
import { bytes, duration, time } from '../format'
import { useNow, useTitle } from '../hooks'
import { Card, Notice, Pair } from '../parts'
import type { Node } from '../types'
import { Audit } from './audit'
import { Configuration } from './configuration'
import { Drain } from './drain'
import { Refusals } from './refusals'
import { Tokens } from './tokens'
import { Webhooks } from './webhooks'

export function ServerPage() {
  const { node, scope } = useConsole()
  useTitle('Server')
  const admin = includes(scope, 'admin')
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Server</h1>
          <p class="soft">{node ? `Weir ${node.version}, up for ${duration(node.uptime_s * 1000)}` : 'Asking Weir…'}</p>
        </div>
        {admin && node && !node.draining && <Drain />}
      </div>
      {node?.draining && (
        <Notice kind="warning">
          <b>Draining.</b> No publisher is let in any more{node.publishers ? `; ${node.publishers === 1 ? 'one is' : `${node.publishers} are`} still there` : ', and all have left'}. Stop Weir when you like, or restart it to go on.
        </Notice>
      )}
      {node && <Load node={node} />}
      <div class="split">
        <div class="column">
          {admin && <Tokens />}
          {admin && <Webhooks />}
          <Refusals />
        </div>
        <div class="column">
          {node && <Listeners node={node} />}
          {node?.certificates && node.certificates.length > 0 && <Certificates list={node.certificates} />}
          {admin && <Configuration />}
        </div>
      </div>
      {admin && <Audit />}
    </>
  )
}

function Load({ node }: { node: Node }) {
  const cpu = useCPU(node)
  const facts: [string, string][] = [
    ['Streams', String(node.streams)],
    ['Publishers', String(node.publishers ?? '–')],
    ['CPU of the gateway', cpu === undefined ? '–' : `${Math.round(cpu * 100)} % of a core`],
    ['Cores', String(node.cores)],
    ['Memory of the gateway', bytes(node.memory_bytes)],
  ]
  return (
    <>
      <dl class="tiles">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="soft small">Transcoders are processes of their own: their load is not in these figures, but each stream’s page tells how fast they are.</p>
    </>
  )
}

// useCPU is the cores that the gateway kept busy between the last two looks.
function useCPU(node: Node): number | undefined {
  const before = useRef(node)
  const [cores, set] = useState<number>()
  useEffect(() => {
    const passed = node.uptime_s - before.current.uptime_s
    if (passed > 0) set((node.cpu_s - before.current.cpu_s) / passed)
    else if (passed < 0) set(undefined) // it was restarted
    before.current = node
  }, [node])
  return cores ?? (node.uptime_s > 0 ? node.cpu_s / node.uptime_s : undefined)
}

const purposes: Record<string, string> = { rtmp: 'Encoders, RTMP', rtmps: 'Encoders, RTMPS', srt: 'Encoders, SRT', http: 'Viewers, HTTP', https: 'Viewers, HTTPS', admin: 'Dashboard and API' }

function Listeners({ node }: { node: Node }) {
  return (
    <Card title="Listens on" id="listeners">
      <dl class="pairs">
        {node.listeners.map((l) => (
          <Pair key={l.protocol} name={purposes[l.protocol] ?? l.protocol.toUpperCase()}>
            {l.address}
          </Pair>
        ))}
      </dl>
    </Card>
  )
}

const modes: Record<string, string> = { files: 'from files', acme: 'kept by a CA (ACME)', self_signed: 'self-signed, for trying' }
const soon = 14 * 86_400_000

function Certificates({ list }: { list: NonNullable<Node['certificates']> }) {
  const now = useNow(60_000)
  return (
    <Card title="TLS certificates" id="certificates">
      <ul class="lines">
        {list.map((c) => {
          const left = c.ends_at ? Date.parse(c.ends_at) - now : Number.NaN
          const mark = Number.isNaN(left) || left < soon ? (left <= 0 ? 'error' : 'warning') : 'good'
          const words = Number.isNaN(left) ? 'Not there yet' : left <= 0 ? 'Has ended' : `Ends in ${duration(left)}`
          return (
            <li key={c.name}>
              <div>
                <b>{c.name}</b>
                <p class="soft small">
                  {modes[c.mode] ?? c.mode}
                  {c.ends_at && `, until ${time(c.ends_at)}`}
                </p>
              </div>
              <span class="grade" data-grade={mark}>
                {words}
              </span>
            </li>
          )
        })}
      </ul>
    </Card>
  )
}
