package httpserve

import (
	"net/url"
	"testing"
)

// FuzzReload reads delivery directives: what is accepted has one meaning only.
func FuzzReload(f *testing.F) {
	for _, query := range []string{"", "_HLS_msn=7&_HLS_part=0&_HLS_skip=YES", "_HLS_part=1", "_HLS_msn=-1", "ll=0&_HLS_msn=9", "_HLS_msn=1&_HLS_msn=2", "_HLS_msn=99999999999999999999", "_HLS_skip=v2"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, _ := url.ParseQuery(query)
		ask, err := reloadOf(q)
		if err != nil {
			return
		}
		if ask.blocks != (len(q[directiveMSN]) == 1) || ask.part < -1 || !ask.blocks && (ask.msn != 0 || ask.part != -1) {
			t.Errorf("%q became %+v", query, ask)
		}
	})
}
