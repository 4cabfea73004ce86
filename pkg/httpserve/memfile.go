package httpserve

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"golang.org/x/sys/unix"

	"weir/pkg/media"
)

// worthCopying is how often a segment is asked for before it is copied into a file
// in memory: by then it is likely that hundreds will.
const worthCopying = 16

// memfiles are copies of segments that many ask for, in files that are nothing but
// memory: the kernel sends those without copying them for each viewer. A copy lives
// as long as its segment.
type memfiles struct {
	log *slog.Logger
	// all maps weak.Pointer[media.Segment] to *memfile.
	all sync.Map
}

// memfile is the copy of a segment.
type memfile struct {
	asked atomic.Int32
	// file makes it, once; nil where there can be none.
	file func() *os.File
}

// of is a file with all of seg, nil if there is none yet.
func (m *memfiles) of(seg *media.Segment) *os.File {
	key := weak.Make(seg)
	found, known := m.all.Load(key)
	if !known {
		parts, size := seg.Parts, seg.Size // the map must not keep seg itself
		fresh := &memfile{file: sync.OnceValue(func() *os.File { return m.copied(parts, size) })}
		if found, known = m.all.LoadOrStore(key, fresh); !known {
			runtime.AddCleanup(seg, func(gone weak.Pointer[media.Segment]) { m.all.Delete(gone) }, key)
		}
	}
	one := found.(*memfile) //nolint:forcetypeassert // all holds nothing else.
	if one.asked.Add(1) < worthCopying {
		return nil
	}
	return one.file()
}

// copied makes a file of parts. Nobody closes it: it may be on its way to viewers
// when its segment is forgotten, and os.File closes what nobody refers to.
func (m *memfiles) copied(parts []*media.Part, size int) *os.File {
	file, err := fill(parts, size)
	if err != nil {
		m.log.Debug("a segment is sent without a file in memory", slog.Any("error", err))
		return nil
	}
	return file
}

func fill(parts []*media.Part, size int) (*os.File, error) {
	fd, err := unix.MemfdCreate("segment", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	file := os.NewFile(uintptr(fd), "segment")
	for _, part := range parts {
		n, err := file.Write(part.Bytes)
		if err != nil {
			_ = file.Close() // nobody has it yet
			return nil, fmt.Errorf("fill a file in memory: %w", err)
		}
		size -= n
	}
	if size != 0 {
		_ = file.Close() // nobody has it yet
		return nil, fmt.Errorf("%w: %d bytes are missing of a segment", errSeek, size)
	}
	return file, nil
}
