// Reads the configuration anew, and says what came of it.

import { useState } from 'preact/hooks'
import { request } from '../client'
import { useConsole } from '../console'
import { useAction } from '../hooks'
import { Card, Notice } from '../parts'

interface Change {
  key: string
  from: unknown
  to: unknown
  needs_restart: boolean
}

export function Configuration() {
  const { token } = useConsole()
  const [changes, setChanges] = useState<Change[] | null>(null)
  const { busy, words, run } = useAction()
  const reload = async (): Promise<void> => {
    setChanges(null)
    setChanges((await request<{ changes: Change[] }>(token, '/config/reload', 'POST')).changes)
  }
  return (
    <Card title="Configuration" id="configuration">
      <p class="soft small">Weir reads its file again and checks it as a whole. Streams go on; with a mistake in it, nothing changes.</p>
      <button type="button" disabled={busy} onClick={() => void run(reload)}>
        Reload the configuration
      </button>
      <div role="status">
        {changes && changes.length === 0 && <Notice kind="info">Nothing has changed.</Notice>}
        {changes && changes.length > 0 && (
          <ul class="lines">
            {changes.map((c) => (
              <li key={c.key}>
                <div>
                  <code>{c.key}</code>
                  <p class="soft small">
                    {String(c.from)} → {String(c.to)}
                  </p>
                </div>
                <span class="grade" data-grade={c.needs_restart ? 'warning' : 'good'}>
                  {c.needs_restart ? 'At a restart' : 'In force'}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
      {words && <Notice kind="error">{words}</Notice>}
    </Card>
  )
}
