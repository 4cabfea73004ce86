package doctor

// viewerRules are about the way to the viewers, as their players tell of it (CMCD).
func viewerRules() []Rule {
	return []Rule{
		{
			Code: "viewers_stall", Severity: Warning, Hop: Viewer, Title: "Viewers stall",
			When: []Limit{over(PlayersStalled, 20, 10), over(PlayersReporting, 2.5, 0.5)}, After: short, Gone: settled,
			Message:  "{players_stalled} of the {players_reporting} players that tell how they fare have stood still within the last half minute.",
			Evidence: []Measure{PlayersStalled, PlayersReporting},
			Remedy:   "Mend what else is said here first. If nothing is, the way from the server to the viewers is too slow. Operator: compare the server's uplink with viewers times bit rate, and put a cache or CDN before it. Where no smaller qualities are made, a lower bitrate (in OBS, Settings → Output) helps viewers on slow connections.",
		},
	}
}
