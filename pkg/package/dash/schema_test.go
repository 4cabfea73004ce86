package dash_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// xlink declares what DASH-MPD.xsd takes from the schema of XLink, which lies
// on the network.
const xlink = `<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/1999/xlink">
  <xs:attribute name="href" type="xs:anyURI"/>
  <xs:attribute name="actuate" type="xs:string"/>
  <xs:attribute name="type" type="xs:string"/>
  <xs:attribute name="show" type="xs:string"/>
</xs:schema>
`

// schema is a copy of DASH-MPD.xsd that needs no network.
func schema(t *testing.T) string {
	t.Helper()
	const source = "../../../../shared/media/dash-schema/DASH-MPD.xsd"
	text, err := os.ReadFile(source)
	if err != nil {
		t.Skipf("NO MPD IS VALIDATED: the DASH schema is missing (%v)", err)
	}
	dir := t.TempDir()
	remote := []byte("http://www.w3.org/XML/2008/06/xlink.xsd")
	if !bytes.Contains(text, remote) {
		t.Fatalf("%s does not import %s any more", source, remote)
	}
	text = bytes.ReplaceAll(text, remote, []byte("xlink.xsd"))
	file := filepath.Join(dir, "DASH-MPD.xsd")
	for name, content := range map[string][]byte{file: text, filepath.Join(dir, "xlink.xsd"): []byte(xlink)} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

func TestSchema(t *testing.T) {
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skipf("NO MPD IS VALIDATED: xmllint is missing (%v)", err)
	}
	xsd := schema(t)
	validate := func(t *testing.T, file string) ([]byte, error) {
		t.Helper()
		return exec.CommandContext(t.Context(), xmllint, "--nonet", "--noout", "--schema", xsd, file).CombinedOutput()
	}
	var files []string
	for _, s := range scenes() {
		files = append(files, goldenFile(s.Name))
	}
	for _, s := range lowScenes() {
		files = append(files, lowGoldenFile(s.Name))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if out, err := validate(t, file); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	t.Run("refuses", func(t *testing.T) {
		text, err := os.ReadFile(goldenFile("live"))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "wrong.mpd")
		wrong := bytes.Replace(text, []byte("minBufferTime="), []byte("minBuffer="), 1)
		if err := os.WriteFile(file, wrong, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := validate(t, file); err == nil {
			t.Errorf("an MPD without minBufferTime is valid to the schema:\n%s", out)
		}
	})
}
