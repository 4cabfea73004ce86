// What viewers see, muted. The player's code is loaded when there is something
// to play and somebody wants to see it.

import { useEffect, useRef, useState } from 'preact/hooks'
import { fetchClockOffset } from '../../api'
import { hasMediaSource } from '../../player'
import { Session } from '../../session'
import { seconds } from '../format'
import { Icon } from '../parts'
import type { Stream } from '../types'

const slot = 'weir.preview'

export function Preview({ stream }: { stream: Stream }) {
  const [wanted, want] = useState(() => localStorage.getItem(slot) !== 'off')
  const there = (stream.state === 'live' || stream.on_air === 'slate') && stream.renditions.length > 0
  const toggle = (): void => {
    localStorage.setItem(slot, wanted ? 'off' : 'on')
    want(!wanted)
  }
  return (
    <div class="preview">
      {there && wanted ? <Picture key={stream.name} name={stream.name} /> : <Cover stream={stream} off={there} show={toggle} />}
      {there && wanted && stream.on_air === 'slate' && <p class="preview-slate">Viewers see the slate</p>}
      {there && wanted && (
        <button type="button" class="quiet preview-off" onClick={toggle}>
          Hide preview
        </button>
      )}
    </div>
  )
}

const covers: Record<Stream['state'], [string, string]> = {
  live: ['The preview is off', 'It counts as a viewer and takes of your connection.'],
  waiting: ['Almost there', 'The encoder is connected; the first segment is on the way.'],
  reconnecting: ['The encoder is gone', 'Viewers wait. They go on by themselves if it comes back soon.'],
  ended: ['Nobody is live', 'The preview starts by itself when the stream does.'],
}

function Cover({ stream, off, show }: { stream: Stream; off: boolean; show(): void }) {
  const [title, words] = covers[stream.state]
  return (
    <div class="preview-cover" data-state={stream.state}>
      <p class="empty-title">{title}</p>
      <p>{words}</p>
      {off && (
        <button type="button" onClick={show}>
          <Icon name="eye" /> Show preview
        </button>
      )}
    </div>
  )
}

interface Shown {
  playing: boolean
  trouble: string
  blocked: boolean
  muted: boolean
  latency?: number
}

function Picture({ name }: { name: string }) {
  const video = useRef<HTMLVideoElement>(null)
  const session = useRef<Session | null>(null)
  const [shown, setShown] = useState<Shown>({ playing: false, trouble: '', blocked: false, muted: true })
  useEffect(() => {
    const element = video.current
    if (!element) return
    // React's way of setting it comes too late for autoplay.
    element.muted = true
    let offset = 0
    void fetchClockOffset().then((ms) => (offset = ms))
    const base = new URL(`/live/${encodeURIComponent(name)}`, location.href).href
    const look = (): void =>
      setShown({
        playing: s.shown && !s.stalled, trouble: s.trouble, blocked: s.blocked, muted: element.muted,
        latency: s.shown ? s.facts(Date.now() + offset).latency : undefined,
      })
    const s = new Session(element, base, hasMediaSource() ? 'hls' : 'native', look)
    session.current = s
    s.begin()
    const ticks = setInterval(look, 1000)
    return () => {
      clearInterval(ticks)
      s.close()
    }
  }, [name])
  const toggleSound = (): void => {
    if (video.current) video.current.muted = !video.current.muted
    setShown({ ...shown, muted: !shown.muted })
  }
  return (
    <>
      <video ref={video} muted playsInline aria-label={`Preview of ${name}`} />
      {shown.blocked && (
        <button type="button" class="preview-play" onClick={() => void session.current?.play()}>
          Play
        </button>
      )}
      {!shown.playing && !shown.blocked && <p class="preview-words" role="status">{shown.trouble || 'Loading the preview…'}</p>}
      <div class="preview-bar">
        <button type="button" class="quiet" aria-pressed={!shown.muted} onClick={toggleSound}>
          <Icon name={shown.muted ? 'muted' : 'sound'} /> {shown.muted ? 'Unmute' : 'Mute'}
        </button>
      </div>
      {shown.latency !== undefined && shown.latency < 120 && (
        <span class="preview-latency" title="From the encoder to this picture">
          {seconds(shown.latency)} behind live
        </span>
      )}
    </>
  )
}
