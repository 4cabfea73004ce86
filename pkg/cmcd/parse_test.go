package cmcd

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

const uuid = "6e2fb550-c457-11e9-bb97-0800200c9a66"

// of is Data in which keys were given.
func of(keys Key, d Data) Data {
	d.given = keys
	return d
}

type parsed struct {
	name, text string
	want       Data
	fails      bool
}

// table drives the test, and seeds the fuzzing.
func table() []parsed {
	return []parsed{
		{name: "nothing"},
		{name: "a session", text: `sid="` + uuid + `"`, want: of(SessionID, Data{SessionID: uuid})},
		{
			name: "the specification's longest example",
			text: `br=3200,bs,d=4004,mtp=25400,ot=v,rtp=15000,sid="` + uuid + `",tb=6000`,
			want: of(Bitrate|Throughput|ObjectType|SessionID|TopBitrate, Data{
				Bitrate: 3_200_000, Starved: true, Throughput: 25_400_000, ObjectType: "v", SessionID: uuid, TopBitrate: 6_000_000,
			}),
		},
		{name: "booleans by presence", text: "bs,su", want: Data{Starved: true, Startup: true}},
		{name: "booleans in full", text: "bs=?1,su=?0", want: Data{Starved: true}},
		{
			name: "keys of others",
			text: `d=4004,com.example-myNumericKey=500,com.example-myStringKey="myStringValue"`,
		},
		{
			name: "next object and range",
			text: `nor="..%2F300kbps%2Fsegment35.m4v",nrr="12323-48763",sid="` + uuid + `"`,
			want: of(SessionID, Data{SessionID: uuid}),
		},
		{name: "session ids with escapes", text: `sid="a\"b\\c"`, want: of(SessionID, Data{SessionID: `a"b\c`})},
		{name: "commas and brackets in a string", text: `sid="a,b=(c);d",su`, want: of(SessionID, Data{SessionID: "a,b=(c);d", Startup: true})},
		{name: "blanks", text: " bl=2100 ,\t su ", want: of(BufferLength, Data{BufferLength: 2100 * time.Millisecond, Startup: true})},
		{name: "numbers that nobody rounded", text: "bl=2099.6,mtp=812.4999999", want: of(BufferLength|Throughput, Data{BufferLength: 2100 * time.Millisecond, Throughput: 812_000})},
		{name: "a playback rate", text: "pr=1.08", want: of(Rate, Data{Rate: 1.08})},
		{name: "the last of two counts", text: "br=1,br=2", want: of(Bitrate, Data{Bitrate: 2000})},
		{name: "parameters", text: "br=3200;x;y=1,su;v", want: of(Bitrate, Data{Bitrate: 3_200_000, Startup: true})},
		{
			name: "version 2",
			text: `bl=(2400;v 2100;a),br=(128;a 3200;v),bsd=(400;a 600;v),dfa=7,ltc=1840,msd=620,sta=p,ts=@1700000000,v=2,x=:AAE=:`,
			want: of(BufferLength|Bitrate|StallTime|Dropped|LiveLatency|StartDelay|State, Data{
				BufferLength: 2400 * time.Millisecond, Bitrate: 3_200_000, StallTime: time.Second,
				Dropped: 7, LiveLatency: 1840 * time.Millisecond, StartDelay: 620 * time.Millisecond, State: "p",
			}),
		},
		{name: "lists of one and of none", text: `br=(2500),tb=(),nor=("a";r="0-1" "b")`, want: of(Bitrate, Data{Bitrate: 2_500_000})},
		{name: "what cannot be true", text: "br=-1,bl=99999999999,ltc=-5,pr=99,ot=toolong,sid=token,bs=1,su=yes"},
		{name: "a session id too long", text: `sid="` + strings.Repeat("a", 65) + `"`},

		{name: "no key", text: "=1", fails: true},
		{name: "no value", text: "br=", fails: true},
		{name: "no comma", text: "br=1 su", fails: true},
		{name: "a comma at the end", text: "br=1,", fails: true},
		{name: "two commas", text: "br=1,,su", fails: true},
		{name: "an open string", text: `sid="abc`, fails: true},
		{name: "a wrong escape", text: `sid="a\bc"`, fails: true},
		{name: "an escape at the end", text: `sid="a\`, fails: true},
		{name: "a line break in a string", text: "sid=\"a\nb\"", fails: true},
		{name: "an open list", text: "br=(1 2", fails: true},
		{name: "a list of lists", text: "br=((1))", fails: true},
		{name: "a list without blanks", text: `br=(1"a")`, fails: true},
		{name: "too many digits", text: "br=1234567890123456", fails: true},
		{name: "no digit behind the point", text: "pr=1.", fails: true},
		{name: "no digit", text: "pr=-", fails: true},
		{name: "half a boolean", text: "bs=?", fails: true},
		{name: "open bytes", text: "x=:AA", fails: true},
		{name: "no parameter", text: "br=1;", fails: true},
		{name: "JSON", text: `{"br":1}`, fails: true},
		{name: "too long", text: "su" + strings.Repeat(",su", MaxField), fails: true},
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range table() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := of(State, Data{State: "p"})
			for _, d := range []Data{{}, before} {
				was := d
				err := d.Parse(c.text)
				switch {
				case (err != nil) != c.fails:
					t.Errorf("%.99q: %v", c.text, err)
				case c.fails && d != was:
					t.Errorf("%q cannot be read, and changed %+v to %+v", c.text, was, d)
				case was == Data{} && d != c.want:
					t.Errorf("%q says\n%+v, want\n%+v", c.text, d, c.want)
				}
			}
		})
	}
}

// TestTwoForms: what stands in the header and what stands in the query is the
// same.
func TestTwoForms(t *testing.T) {
	t.Parallel()
	want := of(Bitrate|Throughput|ObjectType|SessionID|TopBitrate, Data{
		Bitrate: 3_200_000, Starved: true, Throughput: 25_400_000, ObjectType: "v", SessionID: uuid, TopBitrate: 6_000_000,
	})
	header := http.Header{}
	for name, text := range map[string]string{
		"CMCD-Request": "mtp=25400", "CMCD-Object": "br=3200,d=4004,ot=v,tb=6000",
		"CMCD-Status": "bs,rtp=15000", "CMCD-Session": `sid="` + uuid + `"`,
	} {
		header.Set(name, text)
	}
	const whole = `br=3200,bs,d=4004,mtp=25400,ot=v,rtp=15000,sid="` + uuid + `",tb=6000`
	encoded := url.QueryEscape(whole)
	cached := http.Header{}
	cached.Set("X-CMCD", encoded)
	for name, c := range map[string]struct {
		header http.Header
		query  string
	}{
		"header":                    {header: header},
		"query":                     {query: "CMCD=" + encoded},
		"query beside others":       {query: "_HLS_msn=7&CMCD=" + encoded + "&_HLS_part=1"},
		"query as it is":            {query: "CMCD=" + whole},
		"behind a cache":            {header: cached},
		"header rather than query":  {header: header, query: "CMCD=br%3D1"},
		"query rather than a cache": {header: http.Header{"X-Cmcd": {"br%3D1"}}, query: "CMCD=" + encoded},
	} {
		got, err := Of(c.header, c.query)
		if err != nil || got != want {
			t.Errorf("%s: %v\n%+v, want\n%+v", name, err, got, want)
		}
	}
}

func TestOfWhatIsWrong(t *testing.T) {
	t.Parallel()
	header := http.Header{"Cmcd-Object": {"br="}, "Cmcd-Status": {"bs"}}
	d, err := Of(header, "")
	if err == nil || !strings.Contains(err.Error(), "Cmcd-Object") || !d.Starved {
		t.Errorf("half of it can be read: %+v, %v", d, err)
	}
	for _, query := range []string{"CMCD=%zz", "CMCD=%22", "CMCD=" + strings.Repeat("a", MaxField+1)} {
		if d, err := Of(nil, query); err == nil || d.Given() {
			t.Errorf("%.20q says %+v, %v", query, d, err)
		}
	}
	for _, query := range []string{"", "CMCD=", "cmcd=su", "a=CMCD=su", "&&", "CMCD"} {
		if d, err := Of(http.Header{}, query); err != nil || d.Given() {
			t.Errorf("%q says %+v, %v", query, d, err)
		}
	}
}

// TestStringsComeBack: any string of printable ASCII that a player may write is
// read as it was.
func TestStringsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sid := rapid.StringMatching(`[ -~]{1,64}`).Draw(t, "sid")
		text := `x="",sid="` + strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(sid) + `",su`
		var d Data
		if err := d.Parse(text); err != nil || d.SessionID != sid || !d.Startup {
			t.Fatalf("%s: %+v, %v", text, d, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, c := range table() {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d Data
		err := d.Parse(text)
		if err != nil && d != (Data{}) {
			t.Fatalf("%q cannot be read, and says %+v", text, d)
		}
		if len(d.SessionID) > maxSession || !utf8.ValidString(d.SessionID) || len(d.State) > maxToken || len(d.ObjectType) > maxToken {
			t.Fatalf("%q says %+v", text, d)
		}
		if d.Bitrate < 0 || d.Throughput < 0 || d.BufferLength < 0 || d.LiveLatency < 0 || d.Rate < 0 || d.Rate > maxRate || d.StallTime < 0 {
			t.Fatalf("%q says %+v", text, d)
		}
		query, _ := Of(nil, "CMCD="+url.QueryEscape(text))
		if err == nil && len(url.QueryEscape(text)) <= MaxField && query != d {
			t.Fatalf("%q says %+v in the query, and %+v in the header", text, query, d)
		}
	})
}

// TestNoAllocation: header fields are read where they stand.
func TestNoAllocation(t *testing.T) {
	header := headerOfPlayer()
	if n := testing.AllocsPerRun(100, func() { _, _ = Of(header, "_HLS_msn=7&_HLS_part=1") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// headerOfPlayer is what hls.js sends with a part.
func headerOfPlayer() http.Header {
	return http.Header{
		"Accept": {"*/*"}, "Cmcd-Object": {"br=2628,d=333,ot=v,tb=6000"},
		"Cmcd-Request": {"bl=1100,dl=1100,ltc=1840,mtp=48000"},
		"Cmcd-Session": {`sf=h,sid="` + uuid + `",st=ll`}, "Cmcd-Status": {"rtp=13100"},
	}
}

func BenchmarkHeader(b *testing.B) {
	header := headerOfPlayer()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Of(header, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQuery(b *testing.B) {
	query := "_HLS_msn=7&CMCD=" + url.QueryEscape(`bl=1100,br=2628,d=333,ot=v,sid="`+uuid+`",tb=6000`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Of(nil, query); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNothing(b *testing.B) {
	header := http.Header{"Accept": {"*/*"}}
	b.ReportAllocs()
	for b.Loop() {
		if d, _ := Of(header, "_HLS_msn=7&_HLS_part=1"); d.Given() {
			b.Fatal(d)
		}
	}
}
