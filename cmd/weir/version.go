package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"weir/pkg/transcode/libav"
)

// version is set by the linker: -X main.version=v1.2.3.
var version string

type versionCommand struct{}

// Run shows the versions of everything that a bug report should name.
func (versionCommand) Run(c console) error {
	_, err := fmt.Fprintf(c.out, "weir %s\n%s %s/%s\nFFmpeg %s\n",
		ownVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH, libav.Version())
	if err != nil {
		return fmt.Errorf("write the version: %w", err)
	}
	return nil
}

// ownVersion is the linker's, or what `go build` recorded about the checkout.
func ownVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return info.Main.Version
}
