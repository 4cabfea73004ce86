// One stream: what viewers see, how it fares, and what happened.

import { useEffect, useState } from 'preact/hooks'
import { absolute, watchBase } from '../address'
import { request } from '../client'
import { includes, useConsole, useView } from '../console'
import { bitrate, duration, fps, seconds } from '../format'
import { useNow, useTitle } from '../hooks'
import { Card, Empty, Icon, Notice, StateMark } from '../parts'
import { trouble } from '../progress'
import { RecordingMark } from '../recording'
import { Timeline } from '../timeline'
import type { Event, Stream } from '../types'
import { Charts } from './charts'
import { Addresses, Renditions, Source } from './details'
import { append, type Sample } from './figures'
import { Health } from './health'
import { Kick } from './kick'
import { Preview } from './preview'
import { onAirSince, onBackup, roleWords } from './publishers'
import { Sessions } from './sessions'

export function StreamPage({ name }: { name: string }) {
  const { streams, events, link } = useView()
  const stream = streams?.find((s) => s.name === name)
  useTitle(name)
  if (!streams) return <p class="soft" role="status">Asking Weir…</p>
  if (!stream) {
    return (
      <Empty title={`Nobody has published “${name}” since Weir started`}>
        <p>The name may be misspelt, or the stream has not begun yet.</p>
        <p>
          <a href="#/live">Go live</a> or see <a href="#/">all streams</a>
        </p>
      </Empty>
    )
  }
  return <Found key={name} stream={stream} events={events.filter((e) => concerns(e, name))} away={link === 'lost'} />
}

// Who is refused before Weir knows the stream may well have meant this one.
const concerns = (e: Event, name: string): boolean => e.stream === name || (e.kind === 'publish.rejected' && !e.stream)

function Found({ stream, events, away }: { stream: Stream; events: Event[]; away: boolean }) {
  const { samples, ready } = useFigures(stream.name)
  const now = useNow()
  const wrong = trouble(stream, events, now)
  // Beside the picture there is room for either. It is the grid that makes the room: a
  // card that was taken out and put in elsewhere would lose the focus.
  const long = stream.health.length > 0
  return (
    <>
      <Head stream={stream} now={now} />
      {away && <Notice kind="warning">Weir does not answer at the moment. What you see may be out of date.</Notice>}
      {wrong && (
        <Notice kind="error">
          <b>{wrong.title}</b> {duration(now - wrong.at)} ago. {wrong.message}
        </Notice>
      )}
      <div class="split glance" data-long={long}>
        <div class="column glance-picture">
          <Preview stream={stream} />
          <Facts stream={stream} samples={samples} now={now} />
        </div>
        <Health stream={stream} />
        <Addresses stream={stream} />
      </div>
      <Charts samples={samples} stream={stream} events={events} ready={ready} />
      <div class="split">
        <Card title="What happened" id="happened">
          <Timeline events={events} />
        </Card>
        <Source stream={stream} />
      </div>
      <Renditions stream={stream} />
      <Sessions stream={stream} />
    </>
  )
}

function Head({ stream, now }: { stream: Stream; now: number }) {
  const { node, scope } = useConsole()
  const page = absolute(stream.urls.watch, watchBase(node, location) || location.origin)
  return (
    <div class="page-head">
      <div>
        <a class="back" href="#/">
          All streams
        </a>
        <h1>{stream.name}</h1>
        <p class="head-state">
          <StateMark state={stream.state} /> <span class="soft">for {duration(now - Date.parse(stream.since))}</span>
          {onBackup(stream) && <span class="grade" data-grade="warning">From the backup{stream.switched ? ` for ${duration(now - Date.parse(stream.switched.at))}` : ''}</span>}
          {stream.standby && <span class="grade" data-grade="idle">{roleWords[stream.standby.role ?? 'backup']} stands by</span>}
          <RecordingMark recording={stream.recording} />
        </p>
      </div>
      <div class="actions">
        {stream.session && includes(scope, 'operator') && <Kick name={stream.name} both={!!stream.standby} />}
        <a class="button" href={page} target="_blank" rel="noreferrer">
          <Icon name="open" /> Watch page
        </a>
      </div>
    </div>
  )
}

// The figures that matter at a glance.
function Facts({ stream, samples, now }: { stream: Stream; samples: Sample[]; now: number }) {
  const { session, arrival } = stream
  const latency = samples.at(-1)?.latency_s
  const facts: [string, string][] = [
    ['On air', session ? duration(now - onAirSince(stream)) : '–'],
    ['Arriving', arrival ? bitrate(arrival.bitrate) : '–'],
    ['Frame rate', arrival && arrival.frame_rate > 0 ? `${fps(Math.round(arrival.frame_rate))} fps` : '–'],
    ['Latency in Weir', session && latency != null ? seconds(latency) : '–'],
  ]
  if (stream.audience) facts.push(['Viewers', `${stream.audience.viewers}${stream.audience.at_least ? '+' : ''}`])
  return (
    <dl class="tiles">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

const pollEvery = 2000

// useFigures reads the last ten minutes once, then what is new, as long as the
// page is looked at.
function useFigures(name: string): { samples: Sample[]; ready: boolean } {
  const { token } = useConsole()
  const [state, set] = useState<{ samples: Sample[]; ready: boolean }>({ samples: [], ready: false })
  useEffect(() => {
    let known: Sample[] = []
    let wanted = true
    let timer: number | undefined
    const ask = async (): Promise<void> => {
      if (!document.hidden) {
        const last = known.at(-1)
        const query = last ? `?after=${encodeURIComponent(last.time)}` : ''
        try {
          const { samples } = await request<{ samples: Sample[] }>(token, `/streams/${encodeURIComponent(name)}/figures${query}`)
          if (!wanted) return
          const all = append(known, samples)
          if (all !== known || known.length === 0) set({ samples: all, ready: true })
          known = all
        } catch {
          // The feed says that Weir is away; what is drawn stays.
        }
      }
      if (wanted) timer = window.setTimeout(() => void ask(), pollEvery)
    }
    void ask()
    return () => {
      wanted = false
      clearTimeout(timer)
    }
  }, [token, name])
  return state
}
