package config

import (
	"fmt"
	"slices"
	"strings"
)

// Channel is a stream that is fed from files.
type Channel struct {
	// Name is that of the stream, as in Stream.
	Name string
	// Files are played in turn.
	Files []string
}

const mostChannels = 100

func decodeChannels(field *[]Channel, path string, raw any) Errors {
	var problems Errors
	var channels []Channel
	for i, element := range list(raw) {
		at := fmt.Sprintf("%s[%d]", path, i)
		table, ok := element.(map[string]any)
		if !ok {
			text, _ := scalar(element)
			name, files, _ := strings.Cut(text, ":")
			channels = append(channels, Channel{Name: strings.TrimSpace(name), Files: split(files)})
			continue
		}
		var c Channel
		rest := make(map[string]any)
		for name, value := range table {
			if name != "files" {
				rest[name] = value
				continue
			}
			problems = append(problems, decodeTexts(&c.Files, at+".files", value)...)
		}
		fields, wrong := entries(rest, at, "name", "files")
		problems = append(problems, wrong...)
		c.Name = fields["name"]
		channels = append(channels, c)
	}
	*field = channels
	return problems
}

// split reads the files of a channel in a variable or flag.
func split(text string) (files []string) {
	for file := range strings.SplitSeq(text, ";") {
		if file = strings.TrimSpace(file); file != "" {
			files = append(files, file)
		}
	}
	return files
}

func (v *validator) channels() {
	if n := len(v.cfg.Channels); n > mostChannels {
		v.add("channels", "", fmt.Sprintf("has %d entries", n), fmt.Sprintf("Write at most %d.", mostChannels))
	}
	seen := make(map[string]int)
	for i, c := range v.cfg.Channels {
		at := fmt.Sprintf("channels[%d]", i)
		v.streamName(at, c.Name)
		if first, twice := seen[c.Name]; twice {
			v.add(at+".name", c.Name, fmt.Sprintf("is the name of channels[%d] too", first), "Give every channel a name of its own.")
		}
		seen[c.Name] = i
		if len(c.Files) == 0 || slices.Contains(c.Files, "") {
			v.add(at+".files", "", "names no file", "Write at least one FLV or MP4 file.")
		}
	}
}
