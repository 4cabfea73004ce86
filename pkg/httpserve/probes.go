package httpserve

import (
	"io"
	"net/http"
)

// isoTime is what DASH's urn:mpeg:dash:utc:http-iso:2014 asks for (ISO/IEC
// 23009-1, 5.8.4.11), in milliseconds.
const isoTime = "2006-01-02T15:04:05.000Z"

// time serves the gateway's clock, by which players find the live edge.
func (s *server) time(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", typePlain)
	h.Set("Cache-Control", cacheNever)
	// No line end: Date.parse in browsers refuses one.
	_, _ = io.WriteString(w, s.cfg.Clock().UTC().Format(isoTime))
}

// alive answers as long as the process does.
func alive(w http.ResponseWriter, _ *http.Request) {
	say(w, http.StatusOK, cacheNever, "ok")
}

// ready tells a load balancer whether to send new viewers here.
func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	why := ""
	if s.cfg.NotReady != nil {
		why = s.cfg.NotReady()
	}
	select {
	case <-s.cfg.Draining:
		why = "Weir is stopping."
	default:
	}
	if why != "" {
		say(w, http.StatusServiceUnavailable, cacheNever, why)
		return
	}
	say(w, http.StatusOK, cacheNever, "ok")
}
