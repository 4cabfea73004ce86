// The creator's dashboard. Its parts are in dashboard/.

import { render } from 'preact'
import { App } from './dashboard/app'
import { byId } from './dom'

const root = byId('app')
render(<App logo={root.dataset.logo ?? ''} licences={root.dataset.licences ?? ''} />, root)
