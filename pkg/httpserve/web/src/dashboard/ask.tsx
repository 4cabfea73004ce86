// Dialogs: what is asked before something is done, and what is shown just once.

import type { ComponentChildren, TargetedSubmitEvent } from 'preact'
import { useAction } from './hooks'
import { Dialog, Notice } from './parts'

interface AskProps {
  title: string
  // What the button that does it says.
  verb: string
  // It ends or takes away something: Enter alone does not do it.
  danger?: boolean
  close(): void
  // What is wrong with what was filled in, '' if nothing is.
  check?(): string
  // Does it; what it throws is told, and the dialog stays.
  act(): Promise<void>
  children: ComponentChildren
}

// Ask is a form that does one thing, tells if that failed, and can be left.
export function Ask({ title, verb, danger, close, check, act, children }: AskProps) {
  const { busy, words, say, run } = useAction()
  const go = (): void => {
    const wrong = check?.() ?? ''
    if (wrong) say(wrong)
    else void run(act)
  }
  const submit = (e: TargetedSubmitEvent<HTMLFormElement>): void => {
    e.preventDefault()
    if (!danger && !busy) go()
  }
  return (
    <Dialog title={title} close={close}>
      <form class="form" onSubmit={submit} noValidate>
        {children}
        {words && <Notice kind="error">{words}</Notice>}
        <div class="dialog-foot">
          <button type="button" onClick={close}>
            Cancel
          </button>
          {danger ? (
            <button type="button" class="danger primary" disabled={busy} onClick={go}>
              {verb}
            </button>
          ) : (
            <button type="submit" class="primary" disabled={busy}>
              {verb}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  )
}

// Once shows a secret that nobody can look up later.
export function Once({ title, warning, close, children }: { title: string; warning: string; close(): void; children: ComponentChildren }) {
  return (
    <Dialog title={title} close={close}>
      <Notice kind="warning">{warning}</Notice>
      {children}
      <div class="dialog-foot">
        <button type="button" class="primary" onClick={close}>
          I have copied it
        </button>
      </div>
    </Dialog>
  )
}
