package srt

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"weir/pkg/ingest"
)

func TestStreamID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]struct {
		key    string
		reason ingest.Reason
	}{
		"secret":                 {"secret", ""},
		"live/secret":            {"secret", ""},
		"/live/secret":           {"secret", ""},
		"#!::r=secret,m=publish": {"secret", ""},
		"#!::m=publish,u=ann,h=example.com,s=7,t=stream,r=live/secret": {"secret", ""},
		"#!::r=secret":                 {"secret", ""},
		"%23!::r=secret,m=publish":     {"secret", ""},
		"%23!%3A%3Ar%3Dsecret":         {"secret", ""},
		"sec%20ret":                    {"", ingest.StraySpaces},
		"secret%":                      {"secret%", ""},
		"#!::r=a=b":                    {"a=b", ""},
		"":                             {"", ingest.MissingKey},
		"   ":                          {"", ingest.MissingKey},
		"live/":                        {"", ingest.MissingKey},
		"#!::m=publish":                {"", ingest.MissingKey},
		"sec ret":                      {"", ingest.StraySpaces},
		"secret\n":                     {"", ingest.StraySpaces},
		"#!::r=secret,m=request":       {"", ingest.PlayRequested},
		"#!::r=secret,m=bidirectional": {"", ingest.PlayRequested},
		"#!::r=secret,t=file":          {"", ingest.UnsupportedCodec},
		"#!::secret":                   {"", ingest.ProtocolError},
		"#!:{r:secret}":                {"", ingest.ProtocolError},
	} {
		got, err := parseStreamID(id)
		reason := ingest.Reason("")
		if why, ok := errors.AsType[*ingest.Rejection](err); ok {
			reason = why.Reason
			if strings.Contains(why.Message, "secret") {
				t.Errorf("%q: the message shows the key: %s", id, why.Message)
			}
		}
		if got.key != want.key || reason != want.reason {
			t.Errorf("%q: key %q, reason %q", id, got.key, reason)
		}
	}
}

func FuzzStreamID(f *testing.F) {
	f.Add("#!::r=KEY,m=publish,u=ann")
	f.Add("live/KEY")
	f.Fuzz(func(t *testing.T, id string) {
		req, err := parseStreamID(id)
		if err == nil && (req.key == "" || strings.ContainsFunc(req.key, stray)) {
			t.Errorf("%q: key %q", id, req.key)
		}
		if _, ok := errors.AsType[*ingest.Rejection](err); err != nil && !ok {
			t.Errorf("%q: %v", id, err)
		}
	})
}

// hello is a conclusion of libsrt 1.5 with a stream id.
func hello(cookie uint32, id string) []byte {
	h := handshake{version: 5, extension: 5, first: 1000, mtu: 1500, window: 8192, typ: conclusion, socket: 77, cookie: cookie}
	b := h.append(nil, netip.MustParseAddr("127.0.0.1"))
	b = appendExtension(b, extHandshakeRequest, func(b []byte) []byte {
		b = binary.BigEndian.AppendUint32(b, 0x010501)
		b = binary.BigEndian.AppendUint32(b, 0xbf)
		return binary.BigEndian.AppendUint32(b, 120<<16|400)
	})
	return appendExtension(b, extStreamID, func(b []byte) []byte {
		raw := append([]byte(id), make([]byte, -len(id)&3)...)
		for i := 0; i < len(raw); i += 4 {
			b = append(b, raw[i+3], raw[i+2], raw[i+1], raw[i])
		}
		return b
	})
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	whole := hello(5, "main_key")
	h, err := parseHandshake(whole)
	if err != nil || h.streamID != "main_key" || h.latency != 400 || h.back != 120 || h.cookie != 5 || h.first != 1000 || !h.described {
		t.Fatalf("%+v, %v", h, err)
	}
	if code, why := h.unsuitable(); code != 0 {
		t.Errorf("refused: %s", why)
	}
	for n := range len(whole) {
		if got, err := parseHandshake(whole[:n]); err == nil && got.streamID != "" {
			t.Errorf("the first %d bytes: %+v", n, got)
		}
	}
	for code, spoil := range map[uint32]func(*handshake){
		rejectVersion:    func(h *handshake) { h.srtVersion = 0x010203 },
		rejectRogue:      func(h *handshake) { h.described = false },
		rejectGroup:      func(h *handshake) { h.group = true },
		rejectMessageAPI: func(h *handshake) { h.flags |= flagSTREAM },
		rejectCongestion: func(h *handshake) { h.congestion = "file" },
		rejectFilter:     func(h *handshake) { h.filter = true },
	} {
		bad := h
		spoil(&bad)
		if got, why := bad.unsuitable(); got != code || why == "" {
			t.Errorf("code %d (%s), want %d", got, why, code)
		}
	}
	if _, err := parseHandshake(hello(5, strings.Repeat("x", maxStreamID+4))); err == nil {
		t.Error("a stream id that is too long was taken")
	}
	// Nobody can have us send more than it sent.
	if answer := h.reply(induction, 0, 0, netip.MustParseAddr("127.0.0.1")); len(answer) > headerSize+handshakeSize {
		t.Errorf("%d bytes in answer to %d", len(answer), headerSize+handshakeSize)
	}
}

func FuzzHandshake(f *testing.F) {
	f.Add(hello(1, "main_key"))
	f.Add(hello(1, "")[:handshakeSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHandshake(b)
		if err != nil {
			return
		}
		h.unsuitable()
		if len(h.streamID) > maxStreamID || len(h.key) > len(b) {
			t.Errorf("a stream id of %d bytes, a key of %d", len(h.streamID), len(h.key))
		}
		if len(h.key) > 0 {
			if k, err := newKeyring(h.key, "a pass phrase"); err == nil {
				k.decrypt(1, evenKey, make([]byte, 100))
			}
		}
	})
}

// TestUnwrap is the example of RFC 3394, section 4.1.
func TestUnwrap(t *testing.T) {
	t.Parallel()
	fromHex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	block, err := aes.NewCipher(fromHex("000102030405060708090A0B0C0D0E0F"))
	if err != nil {
		t.Fatal(err)
	}
	wrapped := fromHex("1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5")
	if got, err := unwrap(block, wrapped); err != nil || !bytes.Equal(got, fromHex("00112233445566778899AABBCCDDEEFF")) {
		t.Errorf("%x, %v", got, err)
	}
	wrapped[3] ^= 1
	if _, err := unwrap(block, wrapped); !errors.Is(err, errPassphrase) {
		t.Errorf("a wrong one: %v", err)
	}
}

func TestKeyMaterial(t *testing.T) {
	t.Parallel()
	whole := append([]byte{0x12, 0x20, 0x29, evenKey, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 4, 4}, make([]byte, 16+16+8)...)
	if _, err := newKeyring(whole, passphrase); !errors.Is(err, errPassphrase) {
		t.Errorf("zeros: %v", err)
	}
	for n := range whole {
		if _, err := newKeyring(whole[:n], passphrase); !errors.Is(err, errKeyMaterial) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	for at, value := range map[int]byte{0: 0x11, 1: 0, 3: 0, 8: 4, 14: 2, 15: 5} {
		bad := bytes.Clone(whole)
		bad[at] = value
		if _, err := newKeyring(bad, passphrase); !errors.Is(err, errKeyMaterial) {
			t.Errorf("byte %d is %d: %v", at, value, err)
		}
	}
}
