package verify

import (
	"path"
	"regexp"
	"slices"
	"strconv"
)

// rulesAudio are about the choice among audio renditions.
func rulesAudio() []rule {
	return []rule{
		{"HLS-AUDIO-GROUP", "RFC 8216bis 4.4.6.1.1", "audio renditions of a group can be told apart, and one is the default", checkAudioGroups},
		{"HLS-CHANNELS", "RFC 8216bis 4.4.6.1", "CHANNELS is that of the init segment", checkChannels},
		{"DASH-AUDIO", "ISO 23009-1 5.3.3, 5.8.5.5", "audio AdaptationSets can be told apart, and one is main", checkAudioSets},
		{"HLS-AUDIO-DASH", "RFC 8216bis 4.4.6.1, ISO 23009-1 5.3.3", "HLS and DASH offer the same audio in the same languages", checkAudioAlike},
	}
}

// wellFormedLanguage is what RFC 5646, 2.1, demands of a tag's form.
var wellFormedLanguage = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

func checkAudioGroups(o *observations) verdict {
	t := newTally("audio renditions")
	for _, m := range o.multivariants {
		type choice struct{ group, language, characteristics string }
		names, choices, defaults := map[[2]string]bool{}, map[choice]bool{}, map[string]int{}
		for _, a := range m.audio {
			one := choice{a.group, a.language, a.characteristics}
			t.check(a.name != "" && !names[[2]string{a.group, a.name}], "NAME %q stands twice in group %q", a.name, a.group)
			switch {
			case a.language != "" && !wellFormedLanguage.MatchString(a.language):
				t.check(false, "%s: LANGUAGE %q", a.name, a.language)
			case a.isDefault && !a.autoselect:
				t.check(false, "%s: DEFAULT=YES without AUTOSELECT=YES", a.name)
			case a.autoselect && choices[one]:
				t.check(false, "%s: another one with AUTOSELECT=YES has its LANGUAGE %q and CHARACTERISTICS %q", a.name, a.language, a.characteristics)
			}
			names[[2]string{a.group, a.name}] = true
			choices[one] = choices[one] || a.autoselect
			if a.isDefault {
				defaults[a.group]++
			}
		}
		for _, a := range m.audio {
			if defaults[a.group] != 1 {
				t.check(false, "group %q has %d default renditions", a.group, defaults[a.group])
			}
		}
	}
	return t.verdict()
}

func checkChannels(o *observations) verdict {
	t := newTally("audio renditions")
	if len(o.multivariants) == 0 {
		return t.verdict()
	}
	for _, a := range o.multivariants[len(o.multivariants)-1].audio {
		if init := o.newest(a.url); init.isAudio() && init.channels > 0 {
			t.check(a.channels == strconv.Itoa(init.channels), "%s: CHANNELS %q, the init segment has %d", a.name, a.channels, init.channels)
		}
	}
	return t.verdict()
}

func checkAudioSets(o *observations) verdict {
	t := newTally("audio AdaptationSets")
	for _, m := range o.manifests {
		for _, p := range m.periods {
			type choice struct{ language, label, role string }
			choices, mains := map[choice]bool{}, 0
			for _, s := range p.audio() {
				if len(s.roles) != 1 || !wellFormedLanguage.MatchString(s.language) {
					t.check(false, "Period %s: AdaptationSet %s has lang %q and roles %q", p.id, s.id, s.language, s.roles)
					continue
				}
				one := choice{s.language, s.label, s.roles[0]}
				t.check(!choices[one], "Period %s: another AdaptationSet is as %s: lang %q, Label %q, Role %q", p.id, s.id, s.language, s.label, s.roles[0])
				choices[one] = true
				if s.roles[0] == "main" {
					mains++
				}
			}
			if len(p.audio()) > 0 {
				t.check(mains == 1, "Period %s: %d audio AdaptationSets are main", p.id, mains)
			}
		}
	}
	return t.verdict()
}

func (p period) audio() []adaptationSet {
	return slices.DeleteFunc(slices.Clone(p.sets), func(s adaptationSet) bool { return s.contentType != "audio" })
}

// checkAudioAlike compares what was read last: both have the same files. A rendition of
// which there is nothing yet is in no MPD.
func checkAudioAlike(o *observations) verdict {
	t := newTally("audio renditions")
	if len(o.multivariants) == 0 || len(o.manifests) == 0 {
		return t.verdict()
	}
	periods := o.manifests[len(o.manifests)-1].periods
	sets := periods[len(periods)-1].audio()
	for _, a := range o.multivariants[len(o.multivariants)-1].audio {
		if o.newest(a.url) == nil {
			continue
		}
		i := slices.IndexFunc(sets, func(s adaptationSet) bool {
			return slices.ContainsFunc(s.inits, func(init string) bool { return path.Dir(init) == path.Dir(a.url) })
		})
		t.check(i >= 0, "%s: the MPD does not have it", a.name)
		if i >= 0 && undetermined(sets[i].language) != undetermined(a.language) {
			t.check(false, "%s: LANGUAGE %q, and lang %q in the MPD", a.name, a.language, sets[i].language)
		}
	}
	return t.verdict()
}

// undetermined is language, "und" where it is not named.
func undetermined(language string) string {
	if language == "" {
		return "und"
	}
	return language
}
