// Who published, for how long, and why it ended.

import { useConsole, includes, useApi } from '../console'
import { bitrate, bytes, duration, encoder, time } from '../format'
import { useNow } from '../hooks'
import { Card, Empty, Notice } from '../parts'
import { reasonWords } from '../timeline'
import type { Session, Stream } from '../types'

const few = 10

export function Sessions({ stream }: { stream: Stream }) {
  const { scope } = useConsole()
  const now = useNow(5000)
  const { value, failure } = useApi<{ sessions: Session[] }>(`/streams/${encodeURIComponent(stream.name)}/sessions`, `${stream.session?.connected_at ?? stream.state} ${stream.standby?.connected_at}`)
  const all = value?.sessions ?? []
  const remote = includes(scope, 'operator')
  return (
    <Card title="Recent sessions" id="sessions" aside={all.length > 0 && <span class="soft small">{totals(all, now)}</span>}>
      {failure && <Notice kind="error">{failure.message}</Notice>}
      {value && all.length === 0 && <Empty title="None yet">Each connection of your encoder will be listed here.</Empty>}
      {all.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Began</th>
              <th scope="col">Length</th>
              <th scope="col">Encoder</th>
              {remote && <th scope="col">From</th>}
              <th scope="col" class="number">Data</th>
              <th scope="col" class="number">On average</th>
              <th scope="col">Ended</th>
            </tr>
          </thead>
          <tbody>
            {all.slice(0, few).map((s) => (
              <Row key={s.id} session={s} now={now} remote={remote} stream={stream} />
            ))}
          </tbody>
        </table>
      )}
      {all.length > few && <p class="soft small">The newest {few} of {all.length}. The API lists them all.</p>}
    </Card>
  )
}

function Row({ session: s, now, remote, stream }: { session: Session; now: number; remote: boolean; stream: Stream }) {
  const length = lengthOf(s, now)
  // Of one that stands by it is not told what came.
  const live = stream.session?.role === s.role
  const size = s.ended_at ? s.bytes : live ? (stream.arrival?.bytes ?? 0) : 0
  return (
    <tr>
      <th scope="row">{time(s.started_at)}</th>
      <td data-label="Length">{duration(length)}</td>
      <td data-label="Encoder">
        <span>
          {encoder(s.encoder)} <span class="soft">{s.protocol.toUpperCase()}</span>
          {s.role === 'backup' && <span class="soft"> (backup)</span>}
        </span>
      </td>
      {remote && <td data-label="From">{s.remote ?? '–'}</td>}
      <td data-label="Data" class="number">{bytes(size)}</td>
      <td data-label="On average" class="number">{bitrate(length > 0 ? (size * 8000) / length : 0)}</td>
      <td data-label="Ended" title={s.message}>
        {s.ended_at ? reasonWords(s.reason) : live ? <span class="state" data-state="live">Live</span> : 'Stands by'}
      </td>
    </tr>
  )
}

const lengthOf = (s: Session, now: number): number => (s.ended_at ? Date.parse(s.ended_at) : now) - Date.parse(s.started_at)

function totals(all: Session[], now: number): string {
  const length = all.reduce((sum, s) => sum + lengthOf(s, now), 0)
  return `${all.length === 1 ? 'One session' : `${all.length} sessions`}, ${duration(length)} on air`
}
