package httpserve

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"golang.org/x/sys/unix"

	"weir/pkg/plainhttp"
)

const (
	// worthCopying is how often something is asked for before it is copied into a file
	// in memory: by then it is likely that hundreds will.
	worthCopying = 16
	// leastFile is the least of a body, in bytes, that is sent faster from a file.
	leastFile = 16 << 10
)

// answers are those for segments and parts that many ask for. Where they are long,
// they are in files that are nothing but memory: the kernel sends those without
// copying them for each viewer. An answer lives as long as what it is of.
type answers struct {
	log *slog.Logger
	// all maps weak.Pointer[T], of what T ever, to *prepared.
	all sync.Map
}

// prepared is the answer for a segment or part.
type prepared struct {
	asked atomic.Int32
	// inMemory makes it, once, and inFile the same in a file, where there can be one.
	inMemory, inFile func() *plainhttp.Answer
}

// answerOf is the answer for something that never changes, by which it is made where
// there is none yet.
func answerOf[T any](a *answers, of *T, by func() *plainhttp.Answer) *plainhttp.Answer {
	key := weak.Make(of)
	found, known := a.all.Load(key)
	if !known {
		fresh := &prepared{inMemory: sync.OnceValue(by)}
		fresh.inFile = sync.OnceValue(func() *plainhttp.Answer { return a.filed(fresh.inMemory()) })
		fresh.inMemory() // what makes it refers to of, which must not be kept
		if found, known = a.all.LoadOrStore(key, fresh); !known {
			runtime.AddCleanup(of, func(gone weak.Pointer[T]) { a.all.Delete(gone) }, key)
		}
	}
	one := found.(*prepared) //nolint:forcetypeassert // all holds nothing else.
	if one.asked.Add(1) < worthCopying {
		return one.inMemory()
	}
	return one.inFile()
}

// filed is the same answer, in a file where that is worth it and possible.
func (a *answers) filed(answer *plainhttp.Answer) *plainhttp.Answer {
	if answer.Size() < leastFile {
		return answer
	}
	file, err := fill(answer.Body())
	if err != nil {
		a.log.Debug("a piece of media is sent without a file in memory", slog.Any("error", err))
		return answer
	}
	return answer.InFile(file)
}

// fill makes a file in memory. Nobody closes it: it may be on its way to viewers when
// what it is of is forgotten, and os.File closes what nobody refers to.
func fill(body [][]byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("media", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	file := os.NewFile(uintptr(fd), "media")
	for _, piece := range body {
		if _, err := file.Write(piece); err != nil {
			_ = file.Close() // nobody has it yet
			return nil, fmt.Errorf("fill a file in memory: %w", err)
		}
	}
	return file, nil
}

// compose makes the answer that a request for a stream gets from write.
func (*server) compose(write func(w http.ResponseWriter)) *plainhttp.Answer {
	return plainhttp.Compose(func(plain http.ResponseWriter) {
		w := newResponse(plain)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		maps.Copy(w.Header(), open())
		write(w)
		w.finish()
	})
}
