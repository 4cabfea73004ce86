// The list of streams.

import { fetchStreams, stateWords, type StreamStatus } from './api'
import { byId, make } from './dom'

const lead = byId('lead')
const list = byId('streams')
const every = 3000

byId('server').textContent = `rtmp://${location.hostname}:1935/live`

async function refresh(): Promise<void> {
  const streams = await fetchStreams()
  if (streams === 'unreachable') {
    lead.textContent = 'Weir does not answer at the moment.'
  } else {
    show(streams)
  }
  setTimeout(() => void refresh(), document.hidden ? every * 5 : every)
}

function show(streams: StreamStatus[]): void {
  const live = streams.filter((s) => s.state === 'live').length
  lead.textContent = live === 0 ? 'No stream is live yet.' : live === 1 ? 'One stream is live.' : `${live} streams are live.`
  byId('how').hidden = live > 0
  list.replaceChildren(...streams.map(card))
}

function card(s: StreamStatus): HTMLLIElement {
  const state = make('span', { className: 'state' }, stateWords[s.state])
  state.dataset.state = s.state
  const item = make(
    'li',
    { className: 'stream' },
    make('a', { className: 'name', href: s.urls.watch }, s.name),
    state,
    make(
      'span',
      { className: 'links' },
      make('a', { href: s.urls.watch }, 'Watch'),
      make('a', { href: s.urls.hls }, 'HLS'),
      make('a', { href: s.urls.dash }, 'DASH'),
    ),
  )
  const names = s.renditions.filter((r) => r.kind === 'video').map((r) => r.name)
  if (names.length > 0) item.append(make('span', { className: 'facts' }, names.join(', ')))
  return item
}

void refresh()
