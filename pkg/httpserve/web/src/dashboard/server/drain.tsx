// Lets publishers finish before Weir is stopped.

import { useState } from 'preact/hooks'
import { request } from '../client'
import { useConsole } from '../console'
import { time } from '../format'
import { useAction } from '../hooks'
import { Choice, Dialog, Notice } from '../parts'

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
  const { busy, words, run } = useAction()
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
        <Dialog title="Drain before a stop?" close={() => setOpen(false)}>
          <p>No new publisher is let in, and load balancers see that Weir is not ready. Viewers are served until it is stopped. Only a restart takes a drain back.</p>
          <Choice label="Publishers are told to leave" value={wait} options={waits} onChange={(w) => setWait(w)} />
          <Choice label="For viewers, the streams" value={end} options={ends} onChange={(e) => setEnd(e)} />
          {words && <Notice kind="error">{words}</Notice>}
          <div class="dialog-foot">
            <button type="button" onClick={() => setOpen(false)}>
              Cancel
            </button>
            <button type="button" class="danger primary" disabled={busy} onClick={() => void run(drain)}>
              Drain
            </button>
          </div>
        </Dialog>
      )}
    </>
  )
}
