package libav

/*
#cgo pkg-config: libavutil
#include <math.h>
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <libavutil/samplefmt.h>

enum { CELLS_X = 32, CELLS_Y = 18, POINTS = 8 };

static double weir_point(const AVFrame *f, const AVComponentDescriptor *c, int x, int y) {
	const uint8_t *p = f->data[c->plane] + (ptrdiff_t)y * f->linesize[c->plane] + (ptrdiff_t)x * c->step + c->offset;
	if (c->depth <= 8)
		return *p;
	return ((p[0] | p[1] << 8) >> c->shift) / (double)(1 << (c->depth - 8));
}

// Takes POINTS x POINTS points of luma from each cell of the picture: the mean
// of each cell, and the mean and the deviation of all, on a scale of 8 bits.
// Returns 0 where the picture has no luma in memory.
static int weir_luma(const AVFrame *f, float *cells, double *mean, double *deviation) {
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	if (!d || d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT) || f->width < CELLS_X * POINTS || f->height < CELLS_Y * POINTS)
		return 0;
	double sum = 0, squares = 0;
	for (int j = 0; j < CELLS_Y; j++)
		for (int i = 0; i < CELLS_X; i++) {
			double cell = 0;
			for (int v = 0; v < POINTS; v++)
				for (int u = 0; u < POINTS; u++) {
					double p = weir_point(f, &d->comp[0], (int)((i * POINTS + u) * (int64_t)f->width / (CELLS_X * POINTS)), (int)((j * POINTS + v) * (int64_t)f->height / (CELLS_Y * POINTS)));
					cell += p;
					squares += p * p;
				}
			sum += cell;
			*cells++ = cell / (POINTS * POINTS);
		}
	const int n = CELLS_X * CELLS_Y * POINTS * POINTS;
	*mean = sum / n;
	*deviation = sqrt(fmax(0, squares / n - *mean * *mean));
	return 1;
}

static double weir_sample(const AVFrame *f, enum AVSampleFormat format, int planar, int channel, int i) {
	const int channels = f->ch_layout.nb_channels;
	const uint8_t *p = planar ? f->extended_data[channel] : f->extended_data[0];
	const int at = planar ? i : i * channels + channel;
	switch (format) {
	case AV_SAMPLE_FMT_FLT: return ((const float *)p)[at];
	case AV_SAMPLE_FMT_DBL: return ((const double *)p)[at];
	case AV_SAMPLE_FMT_S16: return ((const int16_t *)p)[at] / 32768.0;
	case AV_SAMPLE_FMT_S32: return ((const int32_t *)p)[at] / 2147483648.0;
	default: return 0;
	}
}

// Adds up the squares of all samples, and counts those at full scale, or what
// lossy coding leaves of that.
static void weir_level(const AVFrame *f, double *squares, long long *clipped) {
	const int planar = av_sample_fmt_is_planar(f->format);
	const enum AVSampleFormat format = av_get_packed_sample_fmt(f->format);
	for (int c = 0; c < f->ch_layout.nb_channels; c++)
		for (int i = 0; i < f->nb_samples; i++) {
			double x = weir_sample(f, format, planar, c, i);
			if (x == x && fabs(x) < 1e3)
				*squares += x * x;
			*clipped += fabs(x) >= 0.98;
		}
}
*/
import "C"

import (
	"errors"
	"math"
	"time"

	"github.com/asticode/go-astiav"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

const (
	// lookEvery is the media time between two looks at pictures.
	lookEvery = media.Ticks(media.VideoTimescale)
	// moved is how much the mean of a cell has to change, on a scale of 8 bits,
	// to count as motion rather than as what encoding does to a still picture.
	moved = 1.5
)

type cells [C.CELLS_X * C.CELLS_Y]float32

// eye looks at a decoded picture once a second: at some points of each cell of a
// grid, which costs a ten-thousandth of a core.
type eye struct {
	last media.Ticks
	any  bool
	// still is the last picture in which anything had changed, at since.
	still cells
	since media.Ticks
}

// look says what is seen in f, if it is time.
func (e *eye) look(f *astiav.Frame, out *transcode.Writer) error {
	pts := media.Ticks(f.Pts())
	if e.any && pts >= e.last && pts < e.last+lookEvery {
		return nil
	}
	var seen cells
	var mean, deviation C.double
	if C.weir_luma((*C.AVFrame)(f.UnsafePointer()), (*C.float)(&seen[0]), &mean, &deviation) == 0 {
		return nil
	}
	if !e.any || pts < e.last || e.still.differ(&seen) {
		e.still, e.since = seen, pts
	}
	e.any, e.last = true, pts
	black, white := 16.0, 235.0
	if f.ColorRange() == astiav.ColorRangeJpeg {
		black, white = 0, 255
	}
	return out.Write(transcode.Sight{
		Brightness: (float64(mean) - black) / (white - black), Contrast: float64(deviation) / (white - black),
		Still: media.VideoTimescale.Duration(pts - e.since),
	})
}

func (c *cells) differ(other *cells) bool {
	for i := range c {
		if d := c[i] - other[i]; d > moved || d < -moved {
			return true
		}
	}
	return false
}

// meter tells how loud decoded audio is, each time that it has measured for a
// while.
type meter struct {
	over     time.Duration
	squares  C.double
	clipped  C.longlong
	samples  int
	measured time.Duration
	// share is that of what was clipped, a mean of the last five times or so:
	// lossy coding hides it at times.
	share float64
}

func (m *meter) measure(f *astiav.Frame, out *transcode.Writer) error {
	channels, rate := f.ChannelLayout().Channels(), f.SampleRate()
	if channels <= 0 || rate <= 0 {
		return nil
	}
	C.weir_level((*C.AVFrame)(f.UnsafePointer()), &m.squares, &m.clipped)
	m.samples += f.NbSamples() * channels
	m.measured += time.Duration(f.NbSamples()) * time.Second / time.Duration(rate)
	if m.measured < m.over {
		return nil
	}
	level := max(transcode.Silence, 10*math.Log10(float64(m.squares)/float64(m.samples)))
	*m = meter{over: m.over, share: m.share + (float64(m.clipped)/float64(m.samples)-m.share)/5}
	return out.Write(transcode.Heard{Level: level, Clipped: m.share})
}

// ear decodes the bits of audio that a worker for video is let hear. What cannot
// be decoded is passed over: nothing depends on it. Its methods do nothing on nil.
type ear struct {
	acc     *account
	out     *transcode.Writer
	track   media.Track
	decoder *decoder
	meter   meter
	// next is the DTS that goes on from the last one; a frame after a gap
	// carries what was before it, and is not measured.
	next  media.Ticks
	fresh bool
}

// earMeasures is less than what is heard at a time.
const earMeasures = 200 * time.Millisecond

func newEar(acc *account, out *transcode.Writer) *ear {
	return &ear{acc: acc, out: out, meter: meter{over: earMeasures}}
}

func (e *ear) change(track media.Track) error {
	if e == nil {
		return errors.New("a worker for audio is not to listen")
	}
	e.close()
	e.track = track
	if track.Timescale == 0 || track.Kind != media.Audio {
		return errors.New("a sound track without a timescale, or of another kind")
	}
	d, err := openDecoder(e.acc, &e.track)
	if errors.Is(err, errDamaged) {
		return nil
	}
	e.decoder = d
	return err
}

func (e *ear) hear(au media.AccessUnit) error {
	if e == nil || e.decoder == nil {
		return nil
	}
	e.fresh = au.DTS != e.next
	e.next = au.DTS + e.track.FrameDuration()
	err := e.decoder.decode(au, func(f *astiav.Frame) error {
		if e.fresh {
			return nil
		}
		return e.meter.measure(f, e.out)
	})
	if errors.Is(err, errDamaged) {
		return nil
	}
	return err
}

func (e *ear) close() {
	if e != nil && e.decoder != nil {
		e.decoder.close()
		e.decoder = nil
	}
}
