// Who was not let in, or thrown out, and why.

import { includes, useApi, useConsole, useView } from '../console'
import { encoder, time } from '../format'
import { streamLink } from '../hooks'
import { Card, Empty, Notice } from '../parts'

interface Refusal {
  time: string
  count: number
  stream?: string
  protocol?: string
  encoder?: string
  remote?: string
  reason: string
  message: string
}

const few = 12

export function Refusals() {
  const { scope } = useConsole()
  const { events } = useView()
  const newest = events.find((e) => e.kind === 'publish.rejected')
  const { value, failure } = useApi<{ refusals: Refusal[] }>('/refusals', newest?.id)
  const all = value?.refusals ?? []
  const remote = includes(scope, 'operator')
  return (
    <Card title="Refused encoders" id="refused">
      {failure && <Notice kind="error">{failure.message}</Notice>}
      {value && all.length === 0 && <Empty title="Nobody was refused since Weir started" />}
      <ul class="lines">
        {all.slice(0, few).map((r) => (
          <li key={r.time + r.reason + (r.remote ?? '')}>
            <div>
              <p>
                {r.stream && (
                  <>
                    <a href={streamLink(r.stream)}>{r.stream}</a>:{' '}
                  </>
                )}
                {r.message}
              </p>
              <p class="soft small">
                {[time(r.time), r.encoder && encoder(r.encoder), r.protocol?.toUpperCase(), remote && r.remote && `from ${r.remote}`].filter(Boolean).join(' · ')}
              </p>
            </div>
            {r.count > 1 && <span class="grade" data-grade="idle">{r.count}×</span>}
          </li>
        ))}
      </ul>
      {all.length > few && <p class="soft small">The newest {few} of {all.length}.</p>}
    </Card>
  )
}
