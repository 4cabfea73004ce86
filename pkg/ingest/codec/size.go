package codec

import (
	"errors"
	"fmt"

	"weir/pkg/ingest"
)

const (
	// maxPictureSide is the most that is taken, in either direction.
	maxPictureSide = 8192
	// believedSide is the most that a parameter set may declare without being taken
	// for damaged; no format has more.
	believedSide = 1 << 16
)

// errNoPicture is of a declared picture of which nothing is left.
var errNoPicture = errors.New("a picture without extent")

// checkSize judges the size that an encoder declares. Where it is too large, the error
// is an *ingest.Rejection: nothing that follows could be used.
func checkSize(width, height int) error {
	switch {
	case width <= 0 || height <= 0:
		return errNoPicture
	case max(width, height) > maxPictureSide:
		return &ingest.Rejection{
			Reason: ingest.ResolutionExceeded,
			Message: fmt.Sprintf("Your picture is %dx%d, and Weir takes at most %d in either direction. In OBS, Settings → Video: "+
				"choose an Output (Scaled) Resolution of 1920x1080 or 1280x720.", width, height, maxPictureSide),
		}
	}
	return nil
}
