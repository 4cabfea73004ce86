// What a stream consists of: its source, its qualities, its addresses.

import { absolute, watchBase } from '../address'
import { useConsole } from '../console'
import { bitrate, bytes, codec, encoder, fps, seconds, time } from '../format'
import { Card, CopyField, Empty, Pair } from '../parts'
import type { Rendition, Stream } from '../types'
import { picture } from './hops'
import { hasTwo, named, roleWords, switchWords } from './publishers'

export function Source({ stream }: { stream: Stream }) {
  const { session, source, arrival } = stream
  if (!session) {
    return (
      <Card title="Source" id="source">
        <Empty title="Nobody publishes">
          <a href="#/live">How to go live</a>
        </Empty>
        {hasTwo(stream) && (
          <dl class="pairs">
            <Two stream={stream} />
          </dl>
        )}
      </Card>
    )
  }
  const repaired = Object.entries(stream.repairs).sort((a, b) => b[1] - a[1])
  return (
    <Card title="Source" id="source">
      <dl class="pairs">
        <Pair name="Encoder">{encoder(session.encoder)}</Pair>
        <Pair name="Connected">
          {time(session.connected_at)}, by {session.protocol.toUpperCase()}
        </Pair>
        {source ? <SourcePairs source={source} line={picture(stream)} /> : <Pair name="Picture">Not yet</Pair>}
        {arrival && <Pair name="Came in so far">{bytes(arrival.bytes)}</Pair>}
        {hasTwo(stream) && <Two stream={stream} />}
      </dl>
      {repaired.length > 0 && (
        <details>
          <summary>What Weir mended</summary>
          <dl class="pairs">
            {repaired.map(([kind, count]) => (
              <Pair key={kind} name={repairs[kind] ?? kind.replaceAll('_', ' ')}>
                {count}×
              </Pair>
            ))}
          </dl>
        </details>
      )}
    </Card>
  )
}

// Two is who of the two encoders is on air, and why.
function Two({ stream: { session, standby, switched } }: { stream: Stream }) {
  return (
    <>
      {session && <Pair name="On air">{roleWords[session.role ?? 'primary']}</Pair>}
      <Pair name="Stands by">{standby ? `${named(standby)}, since ${time(standby.connected_at)}` : 'Nobody'}</Pair>
      {switched && (
        <Pair name="Last switch">
          {time(switched.at)}, {switchWords(switched.to, switched.reason)}
        </Pair>
      )}
    </>
  )
}

function SourcePairs({ source, line }: { source: NonNullable<Stream['source']>; line: string }) {
  const { audio } = source
  return (
    <>
      <Pair name="Picture">{line}</Pair>
      {source.codec && (
        <>
          <Pair name="Codec">
            {codec(source.codec)} {source.profile}
          </Pair>
          <Pair name="Bitrate">{bitrate(source.bitrate)}</Pair>
          <Pair name="Keyframes">{source.keyframe_interval_s > 0 ? `each ${seconds(source.keyframe_interval_s, 2)}` : '–'}</Pair>
        </>
      )}
      <Pair name="Sound">{audio ? `${codec(audio.codec)}, ${audio.sample_rate / 1000} kHz, ${channels(audio.channels)}` : 'None: viewers get silence'}</Pair>
    </>
  )
}

const channels = (n: number): string => ({ 1: 'mono', 2: 'stereo', 6: '5.1' })[n] ?? `${n} channels`

// The counters of the API, in words.
const repairs: Record<string, string> = {
  wraps: 'Clock wrapped', jumps: 'Time jumped', track_jumps: 'One track jumped', blips: 'Stray timestamps', parameter_changes: 'Format changed', restarts: 'Timeline restarted',
  duplicates: 'Doubled frames', nudged: 'Timestamps moved', composition_offsets: 'Wrong display times', rate_changes: 'Frame rate changed',
  grid_shifts: 'Frames off the beat', clock_slews: 'Steps after the clock', silence_inserted: 'Silence filled in', audio_repeated: 'Sound repeated', audio_dropped: 'Sound left out',
  waited_for_keyframe: 'Waited for a keyframe', unusable: 'Unusable frames',
}

export function Renditions({ stream }: { stream: Stream }) {
  return (
    <Card title="Qualities" id="renditions">
      {stream.renditions.length === 0 ? (
        <Empty title="None yet">They are fixed when the first picture arrives.</Empty>
      ) : (
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Made by</th>
              <th scope="col">Codec</th>
              <th scope="col">Size</th>
              <th scope="col" class="number">Bitrate</th>
              <th scope="col" class="number">At most</th>
              <th scope="col" class="number">Latency</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {stream.renditions.map((r) => (
              <RenditionRow key={r.id} rendition={r} />
            ))}
          </tbody>
        </table>
      )}
    </Card>
  )
}

function RenditionRow({ rendition: r }: { rendition: Rendition }) {
  return (
    <tr>
      <th scope="row">{r.name}</th>
      <td data-label="Made by">{r.passthrough ? 'Your encoder' : 'Weir'}</td>
      <td data-label="Codec">{family(r.codecs)}</td>
      <td data-label="Size">{r.width ? `${r.width}×${r.height}${r.frame_rate ? `, ${fps(r.frame_rate)} fps` : ''}` : 'Sound'}</td>
      <td data-label="Bitrate" class="number">{bitrate(r.bitrate)}</td>
      <td data-label="At most" class="number">{bitrate(r.bandwidth)}</td>
      <td data-label="Latency" class="number">{r.latency_s === null || r.resting ? '–' : seconds(r.latency_s)}</td>
      <td data-label="State">{r.resting ? 'Rests: nobody watches it' : ({ waiting: 'Starting', live: 'Live', ended: 'Ended' } as Record<string, string>)[r.state]}</td>
    </tr>
  )
}

const families: [string, string][] = [['avc1', 'H.264'], ['hvc1', 'HEVC'], ['hev1', 'HEVC'], ['av01', 'AV1'], ['mp4a', 'AAC']]
const family = (codecs: string | undefined): string => families.find(([start]) => codecs?.startsWith(start))?.[1] ?? codecs ?? '–'

export function Addresses({ stream }: { stream: Stream }) {
  const { node } = useConsole()
  const base = watchBase(node, location) || location.origin
  const { watch, hls, dash } = stream.urls
  const page = absolute(watch, base)
  return (
    <Card title="Share" id="share">
      <CopyField label="Watch page" value={page} />
      <CopyField label="HLS" value={absolute(hls, base)} />
      <details>
        <summary>DASH, and for your own site</summary>
        <div class="column tight">
          <CopyField label="DASH" value={absolute(dash, base)} />
          <CopyField label="Low-latency DASH" value={absolute(dash.replace(/manifest\.mpd$/, 'manifest-ll.mpd'), base)} />
          <CopyField label="Embed" value={`<iframe src="${page}" width="960" height="540" allow="autoplay; fullscreen" allowfullscreen></iframe>`} />
        </div>
      </details>
    </Card>
  )
}
