package transcode

import (
	"time"

	"weir/pkg/media"
)

const (
	// listens is the part of each second of audio that is listened to: enough to
	// tell silence and clipping, for a quarter of the cost.
	listens = 256 * time.Millisecond
	// soundsWaiting bounds the access units that wait to be heard.
	soundsWaiting = 32
)

// Listen lets a worker for video hear some of the audio that passes by, for
// Stats.Heard. It never blocks: what the worker has no time for goes unheard. Once
// a worker has died nothing is listened to any more, as pictures are worth more
// than a figure.
func (s *Supervisor) Listen(au media.AccessUnit) {
	if au.Track.Timescale.Duration(au.PTS)%time.Second >= listens {
		return
	}
	s.mu.Lock()
	deaf := s.ended || s.stats.LastError != ""
	s.mu.Unlock()
	if deaf {
		return
	}
	select {
	case s.sounds <- au:
	default:
	}
}

// perceived notes what a worker says of what it decodes.
func (s *Supervisor) perceived(note func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	note(&s.stats)
}

// speak writes the audio that waits to be heard, after its track if that is a
// new one. Nothing is due for it.
func (p *process) speak(track **media.Track) error {
	for {
		select {
		case au := <-p.s.sounds:
			if au.Track != *track {
				if err := p.in.Write(SoundTrack{Track: *au.Track}); err != nil {
					return err
				}
				*track = au.Track
			}
			if err := p.in.Write(Sound{AU: au}); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}
