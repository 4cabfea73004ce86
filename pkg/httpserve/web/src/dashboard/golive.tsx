// Walks a creator through going live, and watches with them.

import { useEffect, useState } from 'preact/hooks'
import { absolute, ingests, watchBase } from './address'
import { useConsole, useView } from './console'
import { clock, encoder, time } from './format'
import { streamLink, useNow, useTitle } from './hooks'
import { KeyHelp } from './keyhelp'
import { Advisor } from './advisor'
import { Card, Choice, CopyField, Icon, Notice } from './parts'
import { current, progress, type Pictures, sessionOf, trouble, type Step } from './progress'
import type { Stream } from './types'

export function GoLive() {
  useTitle('Go live')
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Go live</h1>
          <p class="soft">Three steps in OBS Studio. This page follows along and tells you what it sees.</p>
        </div>
      </div>
      <div class="split">
        <div class="column">
          <Connect />
          <Advisor />
        </div>
        <div class="column sticky">
          <Follow />
        </div>
      </div>
    </>
  )
}

function Connect() {
  const { node } = useConsole()
  const found = ingests(node, location.hostname)
  const [wanted, want] = useState('')
  const chosen = found.find((i) => i.protocol === wanted) ?? found[0]
  return (
    <Card title="1. Tell OBS where to send" id="connect">
      <p class="soft">
        <b>Settings → Stream</b>, Service <b>Custom…</b>
      </p>
      {found.length > 1 && chosen && (
        <Choice label="Protocol" value={chosen.protocol} options={found.map((i) => [i.protocol, i.protocol] as const)} onChange={want} />
      )}
      {chosen ? <CopyField label="Server" value={chosen.server} /> : <p class="soft">Asking Weir for its address…</p>}
      {chosen?.local && <Notice kind="info">Weir listens on its own machine alone, so OBS has to run there, too.</Notice>}
      {chosen?.keyInServer && <Notice kind="info">With SRT your key stands in the server’s address, in place of KEY; OBS’s field Stream Key stays empty.</Notice>}
      <KeyHelp />
    </Card>
  )
}

function Follow() {
  const { node } = useConsole()
  const { streams, events, link } = useView()
  const now = useNow()
  const [pictures, setPictures] = useState<Pictures>({})
  const stream = current(streams ?? [], events)
  const shown = Boolean(stream?.session && stream.source)
  const key = stream ? sessionOf(stream) : ''
  useEffect(() => {
    // Only what was seen to begin has a time.
    if (!shown || key in pictures || !stream?.session) return
    const fresh = Date.now() - Date.parse(stream.session.connected_at) < 15_000
    setPictures({ ...pictures, [key]: fresh ? Date.now() : Number.NaN })
  }, [shown, key])
  const steps = progress(stream, pictures)
  const wrong = trouble(stream, events, now)
  const live = steps.every((s) => s.state === 'done')
  return (
    <Card title="3. Start streaming" id="follow" class="follow">
      {link === 'lost' && <Notice kind="warning">Weir does not answer at the moment. What you see may be out of date.</Notice>}
      <ol class="steps" aria-live="polite">
        {steps.map((step) => (
          <StepLine key={step.id} step={step} began={steps[0]?.at} stream={stream} now={now} />
        ))}
      </ol>
      {wrong && (
        <Notice kind="error">
          <b>{wrong.title}</b> at {time(new Date(wrong.at).toISOString(), now)}. {wrong.message}
        </Notice>
      )}
      {live && stream ? (
        <div class="column tight">
          <CopyField label="Link for your viewers" value={absolute(stream.urls.watch, watchBase(node, location) || location.origin)} />
          <a class="button primary wide" href={streamLink(stream.name)}>
            See how your stream is doing
          </a>
        </div>
      ) : (
        !wrong && !stream?.session && <p class="soft">Press “Start Streaming” in OBS. Nothing needs to be reloaded here.</p>
      )}
    </Card>
  )
}

function StepLine({ step, began, stream, now }: { step: Step; began?: number; stream?: Stream; now: number }) {
  return (
    <li data-state={step.state}>
      <span class="step-mark">{step.state === 'done' && <Icon name="check" />}</span>
      <span class="step-title">{step.title}</span>
      <span class="step-time">{stepTime(step, began, now)}</span>
      <span class="step-detail soft">{step.state === 'done' && stream ? detail(step.id, stream) : ''}</span>
    </li>
  )
}

function stepTime(step: Step, began: number | undefined, now: number): string {
  if (step.state === 'active' && began !== undefined) return clock(now - began)
  if (step.at === undefined) return ''
  if (step.id === 'connected' || began === undefined) return time(new Date(step.at).toISOString(), now)
  return `+${((step.at - began) / 1000).toFixed(1)} s`
}

function detail(id: Step['id'], stream: Stream): string {
  const { session, source } = stream
  if (id === 'connected' && session) return `${encoder(session.encoder)}, by ${session.protocol.toUpperCase()}`
  if (id === 'picture' && source) {
    return source.codec ? `${source.width}×${source.height}${source.frame_rate ? ` at ${Math.round(source.frame_rate * 100) / 100} fps` : ''}` : 'Sound alone'
  }
  if (id === 'watchable') {
    const qualities = stream.renditions.filter((r) => r.kind === 'video').length
    return qualities > 1 ? `In ${qualities} qualities` : ''
  }
  return ''
}
