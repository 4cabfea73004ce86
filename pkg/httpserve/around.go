package httpserve

import (
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

const (
	// maxPath bounds a request's path and query, in bytes; players add up to
	// 2 KB of client data (CMCD) to theirs.
	maxPath = 4 << 10
	// bodyTimeout and maxBody bound what nobody needs to send here.
	bodyTimeout = 5 * time.Second
	maxBody     = 64 << 10
)

// respond counts and logs every request.
func (s *server) respond(next http.Handler) http.Handler {
	return http.HandlerFunc(func(plain http.ResponseWriter, r *http.Request) {
		began := time.Now()
		w := newResponse(plain)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		defer s.answered(w, r, began)
		next.ServeHTTP(w, r)
		w.finish()
	})
}

// answered counts a request, and logs it where that is wanted.
func (s *server) answered(w *response, r *http.Request, began time.Time) {
	s.metrics.answered(w.kind, w.code, w.bytes)
	if !s.cfg.Log.Enabled(r.Context(), slog.LevelDebug) {
		return
	}
	s.cfg.Log.Debug("request", slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("code", w.code), slog.Int64("bytes", w.bytes),
		slog.Duration("took", time.Since(began)), slog.String("client", s.client(r)))
}

// recovered turns a panic into a response and a log line: one bad request
// never ends the gateway.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			reason := recover()
			if reason == nil {
				return
			}
			if reason == http.ErrAbortHandler { //nolint:errorlint,err113 // recover gives back the very value that was thrown.
				panic(reason)
			}
			s.panicked(r.URL.Path, reason, debug.Stack())
			if sent, ok := w.(*response); ok && sent.code != 0 {
				panic(http.ErrAbortHandler) // a response cut off must not look whole
			}
			say(w, http.StatusInternalServerError, cacheNever, "Something went wrong inside Weir. Its log says more.")
		}()
		next.ServeHTTP(w, r)
	})
}

func (s *server) panicked(path string, reason any, stack []byte) {
	s.metrics.panics.Inc()
	s.cfg.Log.Error("request ended in a panic, please report this", slog.String("path", path),
		slog.Any("reason", reason), slog.String("stack", string(stack)))
}

// limited refuses what no player and no browser sends.
func (*server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.RequestURI) > maxPath {
			say(w, http.StatusRequestURITooLong, cacheNever, "The address is too long.")
			return
		}
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		next.ServeHTTP(w, r)
	})
}

// as says what a handler's requests ask for.
func (*server) as(k kind, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if counted, ok := w.(*response); ok {
			counted.kind = k
		}
		handler(w, r)
	}
}

// client is the viewer's address for the log.
func (s *server) client(r *http.Request) string {
	if a := s.clientAddress(r); a.IsValid() {
		return a.String()
	}
	return r.RemoteAddr
}

func (s *server) clientAddress(r *http.Request) netip.Addr {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return s.clientOf(remote.Addr(), r.Header)
}

func (s *server) clientOf(remote netip.Addr, h http.Header) netip.Addr {
	if s.cfg.TrustedProxies == nil {
		return remote.Unmap()
	}
	return behind(remote, h, s.cfg.TrustedProxies())
}

// ClientAddress is where a request came from: the connection's other end, or,
// behind proxies that are trusted, the last address that they did not add
// themselves.
func ClientAddress(r *http.Request, proxies []netip.Prefix) string {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return behind(remote.Addr(), r.Header, proxies).String()
}

// behind is the same of a connection's other end and the request's header.
func behind(remote netip.Addr, h http.Header, proxies []netip.Prefix) netip.Addr {
	client := remote.Unmap()
	hops := strings.Split(strings.Join(h.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(client) }) {
			break
		}
		before, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		client = before.Unmap()
	}
	return client
}
