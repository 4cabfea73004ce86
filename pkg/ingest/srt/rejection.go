package srt

import (
	"cmp"

	"weir/pkg/ingest"
)

// rejectionBase is added to a code on the wire (section 4.3, table 7).
const rejectionBase = 1000

// Rejection codes as libsrt counts them: those of the protocol itself, which
// encoders have words for, and those of SRT Access Control, which follow HTTP and
// stand above a thousand even before rejectionBase is added.
const (
	rejectRogue      = 4
	rejectVersion    = 8
	rejectSecret     = 10
	rejectUnsecure   = 11
	rejectMessageAPI = 12
	rejectCongestion = 13
	rejectFilter     = 14
	rejectGroup      = 15

	rejectBadRequest   = 1400
	rejectUnauthorized = 1401
	rejectOverload     = 1402
	rejectForbidden    = 1403
	rejectBadMode      = 1405
	rejectConflict     = 1409
	rejectMedia        = 1415
	rejectInternal     = 1500
	rejectDown         = 1503
)

// rejectionCodes are what a caller is told of the reasons that there are at a handshake.
func rejectionCodes() map[ingest.Reason]uint32 {
	return map[ingest.Reason]uint32{
		ingest.WrongKey:           rejectUnauthorized,
		ingest.WrongPassphrase:    rejectSecret,
		ingest.MissingKey:         rejectBadRequest,
		ingest.StraySpaces:        rejectBadRequest,
		ingest.ProtocolError:      rejectBadRequest,
		ingest.LimitExceeded:      rejectOverload,
		ingest.TooManyAttempts:    rejectOverload,
		ingest.KeyExpired:         rejectForbidden,
		ingest.KeyNotYet:          rejectForbidden,
		ingest.KeyRevoked:         rejectForbidden,
		ingest.ProtocolNotAllowed: rejectForbidden,
		ingest.AddressNotAllowed:  rejectForbidden,
		ingest.Denied:             rejectForbidden,
		ingest.Kicked:             rejectForbidden,
		ingest.DurationReached:    rejectForbidden,
		ingest.PlayRequested:      rejectBadMode,
		ingest.TakenOver:          rejectConflict,
		ingest.AlreadyLive:        rejectConflict,
		ingest.UnsupportedCodec:   rejectMedia,
		ingest.ShuttingDown:       rejectDown,
		ingest.Undecided:          rejectDown,
		ingest.TimedOut:           rejectDown,
	}
}

func rejectionCode(reason ingest.Reason) uint32 {
	return cmp.Or(rejectionCodes()[reason], rejectForbidden)
}

// unsuitable is why a handshake cannot be accepted, whoever sends it: a code and
// words; 0 if it can.
func (h *handshake) unsuitable() (code uint32, message string) {
	const needed = flagTSBPDSND | flagREXMITFLG
	switch {
	case h.version < 5 || h.described && h.srtVersion < leastVersion:
		return rejectVersion, "The encoder's SRT is older than 1.3. Update the encoder."
	case !h.described:
		return rejectRogue, "The encoder's SRT handshake lacks its own description. Update the encoder."
	case h.group:
		return rejectGroup, "The encoder wants a group of links (bonding), which Weir does not speak. Switch it off there."
	case h.flags&flagSTREAM != 0:
		return rejectMessageAPI, "The encoder's SRT is in file mode. Set its transmission type to live."
	case h.congestion != "" && h.congestion != "live":
		return rejectCongestion, "The encoder's SRT wants the congestion control of files. Set its transmission type to live."
	case h.filter:
		return rejectFilter, "The encoder wants a packet filter (FEC), which Weir does not speak. Leave packetfilter out; lost packets are sent again."
	case h.flags&needed != needed:
		return rejectRogue, "The encoder's SRT does not send timestamps or mark repetitions. Set its transmission type to live."
	}
	return 0, ""
}
