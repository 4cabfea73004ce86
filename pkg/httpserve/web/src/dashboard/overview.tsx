// Every stream, how it is doing, and how the machine is doing.

import { useEffect } from 'preact/hooks'
import { useConsole, useView } from './console'
import { bitrate, bytes, codec, duration, encoder, fps } from './format'
import { streamLink, useNow, useTitle } from './hooks'
import { Card, Empty, Icon, Notice, Pair, StateMark } from './parts'
import { RecordingMark } from './recording'
import { onBackup } from './stream/publishers'
import { Timeline } from './timeline'
import { worst } from './verdict'
import type { Node, Stream } from './types'

export function Overview() {
  const { streams, events, link } = useView()
  useTitle('Streams')
  const none = streams?.length === 0
  useEffect(() => {
    // A first visit: there is nothing to see yet, but something to do. It is a
    // page of its own, which stays when the first stream appears.
    if (none) location.replace('#/live')
  }, [none])
  if (!streams || none) return link === 'lost' ? <Away /> : <p class="soft" role="status">Asking Weir…</p>
  const live = streams.filter((s) => s.state === 'live').length
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Streams</h1>
          <p class="soft">{live === 0 ? 'Nobody is live.' : live === 1 ? 'One stream is live.' : `${live} streams are live.`}</p>
        </div>
        <a class="button" href="#/live">
          Go live
        </a>
      </div>
      {link === 'lost' && <Notice kind="warning">Weir does not answer at the moment. What you see may be out of date.</Notice>}
      <ul class="stream-list">
        {[...streams].sort(byState).map((s) => (
          <StreamCard key={s.name} stream={s} />
        ))}
      </ul>
      <div class="split">
        <Card title="What happened" id="happened">
          <Timeline events={events} named />
        </Card>
        <Machine />
      </div>
    </>
  )
}

function Away() {
  return (
    <Empty title="Weir does not answer">
      <p class="soft">This page tries again by itself.</p>
    </Empty>
  )
}

const rank = { live: 0, reconnecting: 1, waiting: 2, ended: 3 }
const byState = (a: Stream, b: Stream): number => rank[a.state] - rank[b.state] || a.name.localeCompare(b.name)

function StreamCard({ stream }: { stream: Stream }) {
  const now = useNow()
  const bad = worst(stream.health)
  const { source, session } = stream
  return (
    <li class="card stream-card">
      <div class="stream-title">
        <a class="stretched" href={streamLink(stream.name)}>
          {stream.name}
        </a>
        <StateMark state={stream.state} />
        <span class="soft">for {duration(now - Date.parse(stream.since))}</span>
        {onBackup(stream) && bad?.code !== 'on_backup' && <span class="grade" data-grade="warning">From the backup</span>}
        <RecordingMark recording={stream.recording} />
      </div>
      <p class="facts">
        {session && <span>{encoder(session.encoder)}</span>}
        {session && source?.codec && (
          <span>
            {codec(source.codec)} {source.width}×{source.height} at {fps(source.frame_rate)} fps
          </span>
        )}
        {session && source && source.bitrate > 0 && <span>{bitrate(source.bitrate)}</span>}
        {!session && <span>Nobody publishes it now.</span>}
      </p>
      {session && (
        <p class="finding-line" data-severity={bad?.severity ?? 'good'}>
          <Icon name={bad ? (bad.severity === 'info' ? 'info' : 'warning') : 'check'} />
          {bad ? (bad.title ?? bad.message) : 'No problems'}
        </p>
      )}
    </li>
  )
}

function Machine() {
  const { node } = useConsole()
  if (!node) return null
  return (
    <Card title="This server" id="machine" aside={<a href="#/server">More</a>}>
      <dl class="pairs">
        <Pair name="Up for">{duration(node.uptime_s * 1000)}</Pair>
        <Pair name="Cores">{node.cores}</Pair>
        <Pair name="Memory">{bytes(node.memory_bytes)}</Pair>
        {node.listeners.map((l: Node['listeners'][number]) => (
          <Pair key={l.protocol} name={l.protocol.toUpperCase()}>
            {l.address}
          </Pair>
        ))}
      </dl>
      {node.draining && <Notice kind="warning">Weir is stopping: it takes no new publishers.</Notice>}
    </Card>
  )
}

