// Where a creator finds the stream key.

import { includes, useConsole } from './console'

export function KeyHelp() {
  const { node, scope } = useConsole()
  if (node?.open) {
    return (
      <div class="copy">
        <span class="label">Stream Key</span>
        <p class="help">
          Write the name of your stream there, such as <code>main</code>: this server asks for no key (<code>auth.mode</code> is open).
        </p>
      </div>
    )
  }
  if (includes(scope, 'admin')) {
    return (
      <div class="copy">
        <span class="label">Stream Key</span>
        <p class="help">
          <a href="#/keys">Make one for this encoder</a>: it is shown once. Or use the one that Weir printed when it started; <code>weir keys</code> shows that
          again. Paste it into OBS’s own field for it, and show it to nobody.
        </p>
      </div>
    )
  }
  return (
    <div class="copy">
      <span class="label">Stream Key</span>
      <p class="help">
        Weir printed it when it started, and keeps it in its data folder as <code>stream-key</code>. <code>weir keys</code> shows it again. Paste it
        into OBS’s own field for it, and show it to nobody.
      </p>
    </div>
  )
}
