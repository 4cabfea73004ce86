// Where a creator finds the stream key.

export function KeyHelp() {
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
