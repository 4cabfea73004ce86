// What happened, the newest first.

import { useState } from 'preact/hooks'
import { time } from './format'
import { streamLink } from './hooks'
import { Empty } from './parts'
import type { Event } from './types'

// What an event is called, and how much it matters.
const kinds: Record<string, [title: string, tone: 'good' | 'bad' | 'warn' | 'plain']> = {
  'publish.started': ['Encoder connected', 'good'],
  'publish.ended': ['Encoder left', 'plain'],
  'publish.rejected': ['Encoder refused', 'bad'],
  'publish.switched': ['Other encoder on air', 'warn'],
  'worker.restarted': ['Transcoder restarted', 'warn'],
  'rung.shed': ['Quality reduced', 'warn'],
  'rung.restored': ['Quality restored', 'good'],
  'stream.started': ['Live', 'good'],
  'stream.resumed': ['Live again', 'good'],
  'stream.ended': ['Ended', 'plain'],
  'stream.unhealthy': ['Stream unhealthy', 'warn'],
  'stream.healthy': ['Stream healthy again', 'good'],
}

const states: Record<string, [string, 'good' | 'bad' | 'warn' | 'plain']> = {
  live: ['Live', 'good'],
  waiting: ['Starting', 'plain'],
  reconnecting: ['Publisher lost', 'bad'],
  ended: ['Ended', 'plain'],
}

export const reasonWords = (reason: string | undefined): string => reasons[reason ?? ''] ?? (reason ?? 'Ended').replace(/_/g, ' ')

const reasons: Record<string, string> = { lost: 'Connection lost', ended: 'Stopped by the encoder', taken_over: 'Another encoder took over', kicked: 'Kicked by an operator' }

// isNews leaves out the states that stream.started and stream.ended tell, too.
export const isNews = (e: Event): boolean => e.kind !== 'stream.state' || (e.reason !== 'live' && e.reason !== 'ended')

// What a kind of events is called.
export function describeKind(kind: string): string {
  const words = kind.replace(/[._]/g, ' ')
  return kinds[kind]?.[0] ?? words.charAt(0).toUpperCase() + words.slice(1)
}

export function describe(e: Event): { title: string; tone: string } {
  if (e.kind === 'publish.switched' && e.to) {
    return e.to === 'backup' ? { title: 'Backup on air', tone: 'warn' } : { title: 'Primary on air again', tone: 'good' }
  }
  const known = (e.kind === 'stream.state' && states[e.reason ?? '']) || kinds[e.kind]
  if (known) {
    const tone = e.kind === 'publish.ended' && e.reason !== 'ended' ? 'bad' : known[1]
    const why = e.kind === 'publish.ended' ? reasons[e.reason ?? ''] : undefined
    return { title: why ?? known[0], tone }
  }
  // One that this page does not know yet.
  return { title: describeKind(e.kind), tone: 'plain' }
}

const few = 12

// named says of which stream each was.
export function Timeline({ events, named }: { events: Event[]; named?: boolean }) {
  const [all, showAll] = useState(false)
  if (events.length === 0) return <Empty title="Nothing yet">Connections, drops and restarts will be listed here.</Empty>
  const news = events.filter(isNews)
  const shown = all ? news : news.slice(0, few)
  return (
    <>
      <ol class="timeline">
        {shown.map((e) => (
          <Line key={e.id} event={e} named={named} />
        ))}
      </ol>
      {news.length > shown.length && (
        <button type="button" class="quiet" onClick={() => showAll(true)}>
          Show all {news.length}
        </button>
      )}
    </>
  )
}

function Line({ event, named }: { event: Event; named?: boolean }) {
  const { title, tone } = describe(event)
  return (
    <li data-tone={tone}>
      <time dateTime={event.time}>{time(event.time)}</time>
      <div>
        <p class="timeline-title">
          {title}
          {named && event.stream && <a href={streamLink(event.stream)}>{event.stream}</a>}
        </p>
        {event.message && event.kind !== 'stream.state' && <p class="soft small">{event.message}</p>}
      </div>
    </li>
  )
}
