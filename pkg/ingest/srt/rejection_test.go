package srt

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"weir/pkg/ingest"
)

// meaning is a code and a reason that may come with it.
type meaning struct {
	code   uint32
	reason ingest.Reason
}

// TestRejectionCodes: the table of codes in docs/ingest.md has each that a caller may get,
// with all of its reasons, and no other.
func TestRejectionCodes(t *testing.T) {
	t.Parallel()
	want := map[meaning]bool{{rejectUnsecure, ingest.WrongPassphrase}: true, {rejectInternal, ingest.ProtocolError}: true}
	for reason, code := range rejectionCodes() {
		want[meaning{code, reason}] = true
	}
	for _, code := range []uint32{rejectRogue, rejectVersion, rejectMessageAPI, rejectCongestion, rejectFilter, rejectGroup} {
		want[meaning{code, ingest.ProtocolError}] = true
	}
	got := documented(t)
	for m := range want {
		if !got[m] {
			t.Errorf("docs/ingest.md lacks code %d with %s", m.code, m.reason)
		}
	}
	for m := range got {
		if !want[m] {
			t.Errorf("docs/ingest.md has code %d with %s, which no caller gets", m.code, m.reason)
		}
	}
	// What the codes of SRT Access Control mean is not ours to choose.
	for reason, code := range map[ingest.Reason]uint32{
		ingest.MissingKey: 1400, ingest.WrongKey: 1401, ingest.LimitExceeded: 1402, ingest.KeyExpired: 1403,
		ingest.PlayRequested: 1405, ingest.AlreadyLive: 1409, ingest.UnsupportedCodec: 1415, ingest.ShuttingDown: 1503,
		ingest.WrongPassphrase: 10, ingest.NotRTMP: 1403, // which is told of what has no code
	} {
		if got := rejectionCode(reason); got != code {
			t.Errorf("%s: %d, want %d", reason, got, code)
		}
	}
}

// documented is what the table of docs/ingest.md says.
func documented(t *testing.T) map[meaning]bool {
	t.Helper()
	page, err := os.ReadFile("../../../docs/ingest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "| the encoder says | reason in Weir |")
	table, _, _ = strings.Cut(table, "\n\n")
	if !found {
		t.Fatal("docs/ingest.md has no table of codes")
	}
	codes, reasons := regexp.MustCompile(`\(([0-9, ]+)\)`), regexp.MustCompile("`([a-z_]+)`")
	all := make(map[meaning]bool)
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, list := range codes.FindAllStringSubmatch(cells[1], -1) {
			for text := range strings.SplitSeq(list[1], ", ") {
				code, err := strconv.ParseUint(text, 10, 32)
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				for _, reason := range reasons.FindAllStringSubmatch(cells[2], -1) {
					all[meaning{uint32(code), ingest.Reason(reason[1])}] = true
				}
			}
		}
	}
	return all
}
