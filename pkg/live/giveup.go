package live

// giveUpEncoding leaves the source's own pictures as the only video for the
// rest of the session: it kills every worker. Viewers of the rungs are told of
// gaps from now on, with no wait for what will not come, and players go on with
// the source.
func (p *pipeline) giveUpEncoding(reason string) {
	p.gaveUp = reason
	for len(p.crews) > 0 {
		p.discharge(p.crews[0])
	}
	p.dropBackfill()
	p.recheck = nil
	for _, l := range p.rungs {
		l.breakPromises()
		_, _ = p.stream.store.TakeWanted(l.rendition.ID)
		l.giveUpTo(p.stream.history.newest().MSN, &p.stream.history)
	}
}
