package verify

import (
	"reflect"
	"testing"
)

// choose adds an audio rendition to the last multivariant playlist.
func choose(o *observations, a audioChoice) {
	m := &o.multivariants[len(o.multivariants)-1]
	m.audio = append(m.audio, a)
}

// sets are the AdaptationSets of the last Period.
func sets(o *observations) *[]adaptationSet {
	periods := o.manifests[len(o.manifests)-1].periods
	return &periods[len(periods)-1].sets
}

func audioBreakages() map[string][]breakage {
	first := func(o *observations) *audioChoice { return &o.multivariants[2].audio[0] }
	return map[string][]breakage{
		"HLS-AUDIO-GROUP": {
			{func(o *observations) { choose(o, audioChoice{group: "audio", name: "Audio", language: "de"}) }, `NAME "Audio" stands twice`},
			{func(o *observations) {
				choose(o, audioChoice{group: "audio", name: "Deutsch", language: "de", isDefault: true, autoselect: true})
			}, "2 default renditions"},
			{func(o *observations) { first(o).isDefault = false }, "0 default renditions"},
			{func(o *observations) { first(o).autoselect = false }, "without AUTOSELECT"},
			{func(o *observations) { first(o).language = "Deutsch!" }, `LANGUAGE "Deutsch!"`},
			{func(o *observations) { choose(o, audioChoice{group: "audio", name: "2", autoselect: true}) }, "another one with AUTOSELECT=YES"},
		},
		"HLS-CHANNELS": {{func(o *observations) { first(o).channels = "6" }, `CHANNELS "6", the init segment has 2`}},
		"DASH-AUDIO": {
			{func(o *observations) { (*sets(o))[0].language = "" }, `lang ""`},
			{func(o *observations) { (*sets(o))[0].roles = nil }, "roles []"},
			{func(o *observations) { (*sets(o))[0].roles[0] = "alternate" }, "0 audio AdaptationSets are main"},
			{func(o *observations) { *sets(o) = append(*sets(o), (*sets(o))[0]) }, "another AdaptationSet is as 1"},
		},
		"HLS-AUDIO-DASH": {
			{func(o *observations) { (*sets(o))[0].language = "de" }, `lang "de" in the MPD`},
			{func(o *observations) { *sets(o) = nil }, "the MPD does not have it"},
		},
	}
}

func TestParseAudioChoices(t *testing.T) {
	t.Parallel()
	m, err := parseMultivariant(origin+"index.m3u8", []byte(`#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Deutsch",LANGUAGE="de",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/index.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Deutsch, erzählt",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=NO,CHARACTERISTICS="public.accessibility.describes-video",CHANNELS="1",URI="audio_2/index.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",NAME="Text",URI="text.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="audio"
source/index.m3u8
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []audioChoice{
		{url: origin + "audio/index.m3u8", group: "audio", name: "Deutsch", language: "de", channels: "2", isDefault: true, autoselect: true},
		{url: origin + "audio_2/index.m3u8", group: "audio", name: "Deutsch, erzählt", language: "de", characteristics: "public.accessibility.describes-video", channels: "1"},
	}
	if !reflect.DeepEqual(m.audio, want) {
		t.Errorf("got  %+v\nwant %+v", m.audio, want)
	}
}
