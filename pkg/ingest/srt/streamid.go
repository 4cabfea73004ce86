package srt

import (
	"net/url"
	"strings"
	"unicode"

	"weir/pkg/ingest"
)

// application may stand before the key, as it does in an RTMP URL.
const application = "live/"

// request is what a stream id asks for.
type request struct {
	key string
	// user is what it says of the publisher.
	user string
}

// parseStreamID reads a stream id: the key alone, or the form of SRT Access
// Control ("#!::r=KEY,m=publish"). Some encoders, ffmpeg 5 among them, send what is
// percent-encoded in their URL as it stands there; no key has a percent sign. The
// error is a rejection.
func parseStreamID(id string) (request, error) {
	if decoded, err := url.PathUnescape(id); err == nil {
		id = decoded
	}
	req := request{key: id}
	if fields, ok := strings.CutPrefix(id, "#!::"); ok {
		var err error
		if req, err = parseFields(fields); err != nil {
			return request{}, err
		}
	} else if strings.HasPrefix(id, "#!") {
		return request{}, refuse(ingest.ProtocolError, "The stream id begins with #! but not with #!::. Write the stream key alone, or #!::r=KEY,m=publish.")
	}
	req.key = strings.TrimPrefix(strings.TrimPrefix(req.key, "/"), application)
	switch {
	case strings.TrimSpace(req.key) == "":
		return request{}, refuse(ingest.MissingKey, "There is no stream key. Write it into the encoder's stream id: srt://HOST:PORT?streamid=KEY.")
	case strings.ContainsFunc(req.key, stray):
		return request{}, refuse(ingest.StraySpaces, "There is a space or line break in the stream id. Copy the key again, without anything around it.")
	}
	return req, nil
}

// parseFields reads comma separated pairs. Those that Weir has no use for, such
// as h (host) and s (the encoder's own session id), are passed over.
func parseFields(fields string) (request, error) {
	var req request
	for field := range strings.SplitSeq(fields, ",") {
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			return request{}, refuse(ingest.ProtocolError, "The stream id is not of the form #!::r=KEY,m=publish: each part needs a name and a value.")
		}
		switch name {
		case "r":
			req.key = value
		case "u":
			req.user = value
		case "m":
			if value != "publish" {
				return request{}, refuse(ingest.PlayRequested, "This address takes publishers alone: write m=publish into the stream id. Viewers use the HTTP addresses.")
			}
		case "t":
			if value != "stream" {
				return request{}, refuse(ingest.UnsupportedCodec, "Only live streams are taken: leave t out of the stream id, or write t=stream.")
			}
		}
	}
	return req, nil
}

func refuse(reason ingest.Reason, message string) error {
	return &ingest.Rejection{Reason: reason, Message: message}
}

// stray reports what has no place in a key and cannot be seen in a text field.
func stray(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
