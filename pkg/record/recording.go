package record

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"weir/pkg/media"
	"weir/pkg/package/cmaf"
	"weir/pkg/package/hls"
)

// playlist is the name of one, in the folder of a recording and in those of its
// renditions.
const playlist = "index.m3u8"

// mostOfASecond bounds how many recordings of a stream begin in one second.
const mostOfASecond = 100

// piece is what lies between two boundaries, a segment of each rendition that is
// recorded.
type piece struct {
	msn      uint64
	segments []*media.Segment
	// target is the target duration, in seconds.
	target     int
	renditions []*media.Rendition
}

// start is that of the video, in Unix time.
func (p piece) start() time.Time { return scale(p, 0).Time(p.segments[0].Start) }

// missing reports whether there are no bytes of anything.
func (p piece) missing() bool {
	for _, seg := range p.segments {
		if len(seg.Parts) > 0 {
			return false
		}
	}
	return true
}

// scale is the timescale of the i-th segment.
func scale(p piece, i int) media.Timescale {
	if init := p.segments[i].Init; init != nil {
		return init.Track.Timescale
	}
	return p.renditions[i].Timescale
}

// recording is one that grows. It belongs to one goroutine.
type recording struct {
	disk   *disk
	info   Info
	tracks []track
	// last and period are of the piece before, end is where that ends.
	last, period uint64
	end          time.Time
}

// track is one rendition of a recording.
type track struct {
	*media.Rendition
	// inits are the hashes of the init segments that are there, current that of the
	// one which the playlist named last.
	inits   map[string]bool
	current string
}

// newRecording makes the folder of a recording that begins with first, and nothing
// in it.
func newRecording(d *disk, stream string, first piece) (*recording, error) {
	r := &recording{disk: d, info: Info{Stream: stream, StartedAt: first.start()}}
	return r, r.makeFolder()
}

// makeFolder makes one of a name that nothing has.
func (r *recording) makeFolder() error {
	if err := r.disk.root.MkdirAll(r.info.Stream, folderMode); err != nil {
		return fmt.Errorf("make the folder of the recordings of stream %s: %w", r.info.Stream, err)
	}
	name := path.Join(r.info.Stream, r.info.StartedAt.Format(nameForm))
	r.info.Path = name
	for n := 2; ; n++ {
		err := r.disk.root.Mkdir(r.info.Path, folderMode)
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrExist) || n > mostOfASecond {
			return fmt.Errorf("make the folder of a recording of stream %s: %w", r.info.Stream, err)
		}
		r.info.Path = name + "-" + strconv.Itoa(n)
	}
}

// begin writes what is there before the first segment, all of it or nothing.
func (r *recording) begin(first piece) error {
	err := r.open(first)
	if err != nil {
		err = errors.Join(err, r.disk.root.RemoveAll(r.info.Path))
	}
	return err
}

// open describes the recording first: what has no description is nobody's to delete.
func (r *recording) open(first piece) error {
	for _, rendition := range first.renditions {
		r.tracks = append(r.tracks, track{Rendition: rendition, inits: make(map[string]bool)})
		r.info.Renditions = append(r.info.Renditions, rendition.ID)
	}
	if err := r.disk.note(r.info); err != nil {
		return err
	}
	for _, id := range r.info.Renditions {
		folder := path.Join(r.info.Path, id)
		if err := r.disk.root.Mkdir(folder, folderMode); err != nil {
			return fmt.Errorf("make a folder of a recording of stream %s: %w", r.info.Stream, err)
		}
		if err := r.disk.write(path.Join(folder, playlist), hls.RecordingHead(first.target)); err != nil {
			return err
		}
	}
	return r.disk.write(path.Join(r.info.Path, playlist), hls.RecordingMultivariant(first.renditions))
}

// add writes a piece, all of it or nothing: files first, then what lists them.
func (r *recording) add(p piece) error {
	var files []string
	var size uint64
	for i, seg := range p.segments {
		wrote, err := r.addFiles(&r.tracks[i], seg)
		files = append(files, wrote...)
		if err != nil {
			return errors.Join(err, r.remove(files))
		}
		size += uint64(max(seg.Size, 0))
	}
	if err := r.enter(p); err != nil {
		return errors.Join(err, r.remove(files))
	}
	for i, seg := range p.segments {
		r.tracks[i].Rendition = p.renditions[i]
		if len(seg.Parts) > 0 {
			r.tracks[i].current = seg.Init.Hash
			r.tracks[i].inits[seg.Init.Hash] = true
		}
	}
	r.last, r.period = p.msn, p.segments[0].Period.Sequence
	r.info.Segments++
	r.info.Bytes += size
	length := scale(p, 0).Duration(p.segments[0].Duration)
	r.info.Duration += length.Seconds()
	r.end = p.start().Add(length)
	return nil
}

// addFiles writes a segment, and its init segment if that is new.
func (r *recording) addFiles(t *track, seg *media.Segment) (files []string, err error) {
	if len(seg.Parts) == 0 {
		return nil, nil
	}
	folder := path.Join(r.info.Path, t.ID)
	if !t.inits[seg.Init.Hash] {
		name := path.Join(folder, "init-"+seg.Init.Hash+".mp4")
		if err := r.disk.write(name, seg.Init.Bytes); err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	name := path.Join(folder, strconv.FormatInt(int64(seg.Start), 10)+".m4s")
	if err := r.disk.write(name, chunks(seg)...); err != nil {
		return files, err
	}
	return append(files, name), nil
}

// chunks are the bytes of a segment. Its first picture brings its parameter sets, so
// that it is decoded also by who keeps to the first init segment.
func chunks(seg *media.Segment) (pieces [][]byte) {
	for i, part := range seg.Parts {
		if i == 0 {
			pieces = append(pieces, cmaf.WithParameterSets(part.Bytes, seg.Init.Track)...)
			continue
		}
		pieces = append(pieces, part.Bytes)
	}
	return pieces
}

// enter lists a piece in every playlist, or in none.
func (r *recording) enter(p piece) error {
	breaks := r.info.Segments > 0 && (p.msn != r.last+1 || p.segments[0].Period.Sequence != r.period)
	var undo []func() error
	for i, seg := range p.segments {
		t := &r.tracks[i]
		name := path.Join(r.info.Path, t.ID, playlist)
		mapped := seg.Init != nil && seg.Init.Hash == t.current
		before, err := r.disk.extend(name, hls.RecordingEntry(t.Rendition, seg, r.info.Segments == 0, breaks, mapped))
		if err != nil {
			for _, take := range undo {
				err = errors.Join(err, take())
			}
			return err
		}
		undo = append(undo, func() error { return r.disk.shorten(name, before) })
	}
	return nil
}

func (r *recording) remove(files []string) (err error) {
	for _, name := range files {
		err = errors.Join(err, r.disk.root.Remove(name))
	}
	return err
}

// finish ends the recording.
func (r *recording) finish() error {
	r.info.EndedAt = &r.end
	if err := r.disk.close(r.info, int(r.info.Segments)); err != nil || r.info.Segments == 0 {
		return err
	}
	// What renditions declare of their bit rates is known better at the end.
	renditions := make([]*media.Rendition, len(r.tracks))
	for i, t := range r.tracks {
		renditions[i] = t.Rendition
	}
	return r.disk.replace(path.Join(r.info.Path, playlist), hls.RecordingMultivariant(renditions))
}

// close ends the playlists of a recording after the first most entries, and notes
// that it is over. One in which there is nothing is deleted.
func (d *disk) close(i Info, most int) error {
	if most == 0 {
		return d.delete(i.Path)
	}
	for _, id := range i.Renditions {
		name := path.Join(i.Path, id, playlist)
		text, err := d.root.ReadFile(name)
		if err != nil {
			return fmt.Errorf("end the recording %s: %w", i.Path, err)
		}
		closed, _ := hls.CloseRecording(text, most)
		if err := d.replace(name, closed); err != nil {
			return fmt.Errorf("end the recording %s: %w", i.Path, err)
		}
	}
	return d.note(i)
}

// delete takes a recording away at once for whoever looks for it, and then file by
// file.
func (d *disk) delete(folder string) error {
	away := deleted + strings.ReplaceAll(folder, "/", "_")
	if err := d.root.Rename(folder, away); err != nil {
		return fmt.Errorf("delete the recording %s: %w", folder, err)
	}
	_ = d.root.Remove(path.Dir(folder)) // if that was the last of the stream
	if err := d.root.RemoveAll(away); err != nil {
		return fmt.Errorf("delete the recording %s: %w", folder, err)
	}
	return nil
}

// deleted begins the names of folders that are being deleted.
const deleted = ".deleted-"
