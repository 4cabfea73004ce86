package record

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// Recordings are to be served by other programs, so others may read them.
const (
	folderMode = 0o755
	fileMode   = 0o644
)

// disk is the folder that keeps recordings. Tests give it functions that fail.
type disk struct {
	root *os.Root
	// free is how many bytes can be written there.
	free func() (uint64, error)
	// create makes a file that is not there yet.
	create func(name string) (io.WriteCloser, error)
}

// openDisk makes the folder if it is not there, and makes sure that it can be
// written to.
func openDisk(folder string) (*disk, error) {
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return nil, fmt.Errorf("make the folder of recordings: %w; Weir's user must be able to write there", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("open the folder of recordings: %w", err)
	}
	d := &disk{root: root}
	d.create = func(name string) (io.WriteCloser, error) {
		return root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	}
	d.free = func() (uint64, error) {
		var stat unix.Statfs_t
		if failed := unix.Statfs(folder, &stat); failed != nil {
			return 0, fmt.Errorf("ask for the free space of %s: %w", folder, failed)
		}
		return stat.Bavail * uint64(stat.Bsize), nil
	}
	const trial = ".weir-can-write"
	_ = root.Remove(trial) // of a gateway that was killed just then
	if err = d.write(trial, []byte("yes\n")); err == nil {
		err = root.Remove(trial)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write to the folder of recordings %s: %w; Weir's user must be able to write there", folder, err), root.Close())
	}
	return d, nil
}

// write makes a file of pieces, or none.
func (d *disk) write(name string, pieces ...[]byte) error {
	file, err := d.create(name)
	if err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	for _, piece := range pieces {
		if _, err = file.Write(piece); err != nil {
			break
		}
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), d.root.Remove(name))
	}
	return nil
}

// extend appends text to a file, in one piece or not at all. It returns the length
// that the file had.
func (d *disk) extend(name string, text []byte) (before int64, err error) {
	file, err := d.root.OpenFile(name, os.O_APPEND|os.O_WRONLY, fileMode)
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if before, err = file.Seek(0, io.SeekEnd); err != nil {
		return 0, fmt.Errorf("find the end of %s: %w", name, err)
	}
	if _, err = file.Write(text); err != nil {
		return before, errors.Join(fmt.Errorf("append to %s: %w", name, err), file.Truncate(before))
	}
	return before, nil
}

// shorten takes back what was appended to a file.
func (d *disk) shorten(name string, length int64) error {
	file, err := d.root.OpenFile(name, os.O_WRONLY, fileMode)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	return errors.Join(file.Truncate(length), file.Close())
}

// replace gives a file other contents: whoever reads it, and whoever finds it after
// a crash, has the ones or the others.
func (d *disk) replace(name string, text []byte) error {
	draft := path.Join(path.Dir(name), "."+path.Base(name)+".new")
	_ = d.root.Remove(draft) // of a gateway that was killed just then
	if err := d.write(draft, text); err != nil {
		return err
	}
	if err := d.sync(draft); err != nil {
		return errors.Join(err, d.root.Remove(draft))
	}
	if err := d.root.Rename(draft, name); err != nil {
		return fmt.Errorf("replace %s: %w", name, err)
	}
	return nil
}

func (d *disk) sync(name string) error {
	file, err := d.root.OpenFile(name, os.O_WRONLY, fileMode)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	return errors.Join(file.Sync(), file.Close())
}
