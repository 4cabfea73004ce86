// Who is signed in, and which page is shown.

import { useEffect, useMemo, useState } from 'preact/hooks'
import { forgetToken, request, saveToken, savedToken } from './client'
import { type Console, ConsoleContext, includes, useConsole, useView } from './console'
import { Feed } from './feed'
import { GoLive } from './golive'
import { useRoute } from './hooks'
import { KeysPage } from './keys/page'
import { Overview } from './overview'
import { Empty } from './parts'
import { ServerPage } from './server/page'
import { SignIn } from './signin'
import { StreamPage } from './stream/page'
import type { Node, Scope } from './types'

interface Identity {
  token: string
  name: string
  scope: Scope
}

export function App({ logo, licences }: { logo: string; licences: string }) {
  const [identity, setIdentity] = useState<Identity | null>(null)
  const [notice, setNotice] = useState('')
  const [ready, setReady] = useState(savedToken() === '')

  const enter = async (token: string): Promise<void> => {
    const { name, scope } = await request<{ name: string; scope: Scope }>(token, '/token')
    saveToken(token)
    setNotice('')
    setIdentity({ token, name, scope })
  }
  const signOut = (words = ''): void => {
    forgetToken()
    setNotice(words)
    setIdentity(null)
  }
  useEffect(() => {
    if (ready) return
    enter(savedToken())
      .catch((error: Error) => signOut(error.message))
      .finally(() => setReady(true))
  }, [])

  if (!ready) return <p class="unseen" role="status">Signing in…</p>
  if (!identity) return <SignIn key={notice} logo={logo} notice={notice} enter={enter} />
  return <SignedIn key={identity.token} identity={identity} signOut={signOut} logo={logo} licences={licences} />
}

interface InsideProps {
  identity: Identity
  signOut(words?: string): void
  logo: string
  licences: string
}

function SignedIn({ identity, signOut, logo, licences }: InsideProps) {
  const [feed, setFeed] = useState<Feed | null>(null)
  useEffect(() => {
    const opened = new Feed(identity.token, (failure) => signOut(`You were signed out. ${failure.message}`))
    setFeed(opened)
    return () => opened.close()
  }, [identity])
  const node = useNode(identity.token)
  const value = useMemo<Console | null>(() => feed && { ...identity, feed, node, signOut }, [feed, node, identity])
  if (!value) return null
  return (
    <ConsoleContext.Provider value={value}>
      <Frame logo={logo} licences={licences} />
    </ConsoleContext.Provider>
  )
}

const pages: [path: string, words: string, need: Scope][] = [
  ['', 'Streams', 'viewer'],
  ['live', 'Go live', 'viewer'],
  ['keys', 'Keys', 'admin'],
  ['server', 'Server', 'viewer'],
]

// useNode asks how the gateway fares, now and each 15 s.
function useNode(token: string): Node | null {
  const [node, set] = useState<Node | null>(null)
  useEffect(() => {
    const ask = (): void => {
      if (!document.hidden) request<Node>(token, '/node').then(set, () => undefined)
    }
    ask()
    const again = setInterval(ask, 15_000)
    return () => clearInterval(again)
  }, [token])
  return node
}

function Frame({ logo, licences }: { logo: string; licences: string }) {
  const { name, scope, signOut } = useConsole()
  const route = useRoute()
  const here = route[0] === 'streams' ? '' : (route[0] ?? '')
  useEffect(() => {
    scrollTo(0, 0)
  }, [route.join('/')])
  return (
    <>
      <a class="skip" href="#content" onClick={(e) => { e.preventDefault(); document.getElementById('content')?.focus() }}>
        Skip to content
      </a>
      <header class="masthead">
        <div class="masthead-row">
          <a class="brand" href="#/">
            <img src={logo} alt="" width="28" height="28" />
            <span>Weir</span>
          </a>
          <nav aria-label="Pages">
            {pages.filter(([, , need]) => includes(scope, need)).map(([path, words]) => (
              <a key={path} href={`#/${path}`} aria-current={path === here ? 'page' : undefined}>
                {words}
              </a>
            ))}
          </nav>
          <LinkMark />
          <button type="button" class="quiet" title={`Signed in as ${name} (${scope})`} onClick={() => signOut()}>
            Sign out
          </button>
        </div>
      </header>
      <main id="content" tabIndex={-1} class="page">
        <Page route={route} />
      </main>
      <Foot licences={licences} />
    </>
  )
}

function Page({ route }: { route: string[] }) {
  switch (route[0]) {
    case undefined:
      return <Overview />
    case 'streams':
      return route[1] ? <StreamPage name={route[1]} /> : <Overview />
    case 'live':
      return <GoLive />
    case 'keys':
      return <KeysPage />
    case 'server':
      return <ServerPage />
  }
  return (
    <Empty title="There is no such page">
      <a href="#/">All streams</a>
    </Empty>
  )
}

function LinkMark() {
  const { link } = useView()
  const words = { connecting: 'Connecting', live: 'Up to date', lost: 'Weir is away' }[link]
  return (
    <span class="link-mark" data-link={link} role="status" title="Whether this page hears from Weir">
      {words}
    </span>
  )
}

function Foot({ licences }: { licences: string }) {
  const { node } = useConsole()
  return (
    <footer class="foot">
      <span>{node ? `Weir ${node.version}` : 'Weir'}</span>
      <a href="/api/docs">API</a>
      <a href={licences}>Licences</a>
    </footer>
  )
}
