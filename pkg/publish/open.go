package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// errFormat is for files that are neither FLV nor MP4.
var errFormat = errors.New("this is neither an FLV nor an MP4 file; convert it with: ffmpeg -i FILE -c:v libx264 -c:a aac out.mp4")

// source is what a clip reads: a file, or bytes in a test.
type source interface {
	io.ReadSeeker
	io.ReaderAt
}

// openFile finds out what kind of file path is and prepares it. Close the file
// after the clip has been used.
func openFile(path string) (clip, io.Closer, error) {
	f, err := os.Open(path) //nolint:gosec // whoever runs the command names the file.
	if err != nil {
		return nil, nil, fmt.Errorf("open the clip: %w", err)
	}
	c, err := open(f)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read %s: %w", path, err), f.Close())
	}
	return c, f, nil
}

// Check says why a file cannot be published; nil if it can.
func Check(path string) error {
	_, file, err := openFile(path)
	if err != nil {
		return err
	}
	return file.Close() //nolint:wrapcheck // it was only looked at.
}

// files are open ones.
type files []io.Closer

func (f files) Close() error {
	var err error
	for _, one := range f {
		err = errors.Join(err, one.Close())
	}
	return err
}

// openInTurn prepares what is played in turn, each with its further tracks.
func openInTurn(o Options) ([]clip, io.Closer, error) {
	if len(o.Tracks) > 0 && len(o.Then) > 0 {
		return nil, nil, errors.New("further tracks belong to one file: publish one, or files in turn without tracks")
	}
	first, opened, err := openAll(o.File, o.Tracks)
	if err != nil {
		return nil, nil, err
	}
	clips, all := []clip{first}, files{opened}
	for _, name := range o.Then {
		c, file, err := openFile(name)
		if err != nil {
			return nil, nil, errors.Join(err, all.Close())
		}
		clips, all = append(clips, c), append(all, file)
	}
	return clips, all, nil
}

// openAll prepares a file and those of further tracks.
func openAll(path string, further []string) (clip, io.Closer, error) {
	if len(further) > maxTracks {
		return nil, nil, fmt.Errorf("%d further tracks are too many; there may be %d", len(further), maxTracks)
	}
	var opened files
	var clips []clip
	for _, name := range append([]string{path}, further...) {
		c, file, err := openFile(name)
		if err != nil {
			return nil, nil, errors.Join(err, opened.Close())
		}
		clips, opened = append(clips, c), append(opened, file)
	}
	if len(clips) == 1 {
		return clips[0], opened, nil
	}
	return newTracks(clips), opened, nil
}

// open tells FLV from MP4 by the first bytes.
func open(r source) (clip, error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("find its size: %w", err)
	}
	head := make([]byte, 8)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, errFormat
	}
	switch {
	case bytes.HasPrefix(head, []byte("FLV")):
		return newFLV(r, size)
	case bytes.Contains([]byte("ftyp styp moov free skip wide mdat sidx"), head[4:]):
		return newMP4(r, size)
	}
	return nil, errFormat
}
