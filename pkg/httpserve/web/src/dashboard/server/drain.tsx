// Lets publishers finish before Weir is stopped.

import { useState } from 'preact/hooks'
import { Ask } from '../ask'
import { request } from '../client'
import { useConsole } from '../console'
import { time } from '../format'
import { Choice } from '../parts'

const waits = [
  ['0', 'At once'],
  ['300', 'After 5 min'],
  ['3600', 'After an hour'],
] as const
const ends = [
  ['false', 'Wait for the restart'],
  ['true', 'End'],
] as const

export function Drain() {
  const { token } = useConsole()
  const [open, setOpen] = useState(false)
  const [wait, setWait] = useState<string>('0')
  const [end, setEnd] = useState<string>('false')
  const [leaving, setLeaving] = useState('')
  const drain = async (): Promise<void> => {
    const { leave_at } = await request<{ leave_at: string }>(token, '/node/drain', 'POST', { wait_s: Number(wait), end: end === 'true' })
    setLeaving(leave_at)
    setOpen(false)
  }
  if (leaving) return <p class="soft">Publishers leave at {time(leaving)}.</p>
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        Drain…
      </button>
      {open && (
        <Ask title="Drain before a stop?" verb="Drain" danger close={() => setOpen(false)} act={drain}>
          <p>No new publisher is let in, and load balancers see that Weir is not ready. Viewers are served until it is stopped. Only a restart takes a drain back.</p>
          <Choice label="Publishers are told to leave" value={wait} options={waits} onChange={(w) => setWait(w)} />
          <Choice label="For viewers, the streams" value={end} options={ends} onChange={(e) => setEnd(e)} />
        </Ask>
      )}
    </>
  )
}
