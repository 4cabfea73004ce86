package cmcd

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// fields are the header fields that the keys are spread over by how often they
// change (CTA-5004, 3.2.1), as net/http writes them, and that by which Weir's
// Varnish configuration hands on a query that it has taken off.
const (
	fieldObject  = "Cmcd-Object"
	fieldRequest = "Cmcd-Request"
	fieldSession = "Cmcd-Session"
	fieldStatus  = "Cmcd-Status"
	fieldCache   = "X-Cmcd"
)

const parameter = "CMCD="

// maxRepeats bounds how often one header field is read.
const maxRepeats = 4

// Of reads what a request says: in its header, else in its query, which is as it
// stands in the URL. An error tells of a part that could not be read; what the
// other parts say is in d all the same.
func Of(header http.Header, query string) (d Data, err error) {
	for _, name := range [...]string{fieldSession, fieldObject, fieldRequest, fieldStatus} {
		values := header[name]
		for _, text := range values[:min(len(values), maxRepeats)] {
			if failed := d.Parse(text); failed != nil {
				err = errors.Join(err, fmt.Errorf("%s: %w", name, failed))
			}
		}
	}
	if d.Given() || err != nil {
		return d, err
	}
	encoded, there := argument(query)
	if handed := header[fieldCache]; !there && len(handed) > 0 {
		encoded, there = handed[0], true
	}
	if !there {
		return d, nil
	}
	if len(encoded) > MaxField {
		return d, fmt.Errorf("query: %w", errLong)
	}
	text, err := url.QueryUnescape(encoded)
	if err != nil {
		return d, fmt.Errorf("query: %w: %w", errSyntax, err)
	}
	if err := d.Parse(text); err != nil {
		return d, fmt.Errorf("query: %w", err)
	}
	return d, nil
}

// argument finds the value of CMCD in a query, still encoded.
func argument(query string) (string, bool) {
	for query != "" {
		var one string
		one, query, _ = strings.Cut(query, "&")
		if value, ok := strings.CutPrefix(one, parameter); ok {
			return value, true
		}
	}
	return "", false
}
