// Ends the publisher's session, after a question.

import { useState } from 'preact/hooks'
import { Ask } from '../ask'
import { request } from '../client'
import { useConsole } from '../console'
import { Choice, Icon } from '../parts'

const holds = [
  ['0', 'At once'],
  ['600', 'After 10 min'],
  ['3600', 'After an hour'],
] as const

// both: a backup is connected, too.
export function Kick({ name, both }: { name: string; both: boolean }) {
  const { token } = useConsole()
  const [open, setOpen] = useState(false)
  const [hold, setHold] = useState<(typeof holds)[number][0]>('0')
  const close = (): void => setOpen(false)
  const kick = async (): Promise<void> => {
    await request(token, `/streams/${encodeURIComponent(name)}/kick`, 'POST', { hold_s: Number(hold) })
    close()
  }
  return (
    <>
      <button type="button" class="danger" onClick={() => setOpen(true)}>
        <Icon name="stop" /> Kick…
      </button>
      {open && (
        <Ask title={`Kick the publisher of ${name}?`} verb="Kick" danger close={close} act={kick}>
          {both && <p>The one that stands by is kicked, too.</p>}
          <p>Its connection is closed, and its encoder says why. For viewers the publisher is lost: they wait, and the stream ends if nobody comes back in time.</p>
          <Choice label="It may come back" value={hold} options={holds} onChange={(h) => setHold(h)} />
          {hold === '0' && <p class="soft small">Most encoders come back by themselves within seconds.</p>}
        </Ask>
      )}
    </>
  )
}
