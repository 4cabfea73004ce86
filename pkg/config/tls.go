package config

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// TLSMode says where the certificate comes from.
type TLSMode string

// The modes of TLS.
const (
	// TLSFiles reads a certificate and its key that somebody else renews.
	TLSFiles TLSMode = "files"
	// TLSSelfSigned makes one that nobody trusts, for trying.
	TLSSelfSigned TLSMode = "self_signed"
	// TLSACME gets one from a CA.
	TLSACME TLSMode = "acme"
)

// TLS says where the certificate of the rtmps and https listeners comes from.
type TLS struct {
	Mode TLSMode `key:"mode" enum:"files,self_signed,acme" help:"Where the certificate comes from. files: tls.cert and tls.key. self_signed: made by Weir, for trying. acme: issued and renewed by a CA, see tls.acme."`
	Cert string  `key:"cert" help:"File with the TLS certificate and its chain (PEM)."`
	Key  string  `key:"key" help:"File with the TLS certificate's private key (PEM)."`
	ACME ACME    `key:"acme"`
}

// ACME says which CA issues a certificate for which names.
type ACME struct {
	Domains []string `key:"domains" help:"The host names to get certificates for: live.example.com,www.example.com."`
	Email   string   `key:"email" help:"Whom the CA may write to."`
	// CA is the URL of an ACME directory.
	CA     string `key:"ca" help:"The CA's ACME directory. Empty: Let's Encrypt."`
	CARoot string `key:"ca_root" help:"File with the certificates by which the CA's directory is trusted (PEM). Empty: the system's."`
}

// secure reports whether a listener needs a certificate.
func (c Config) secure() bool { return c.RTMPS.Address != "" || c.HTTPS.Address != "" }

// certificate checks that there is one where it is needed, and that nothing is
// given which the mode does not use.
func (v *validator) certificate() {
	switch v.cfg.TLS.Mode {
	case TLSFiles:
		v.certificateFiles()
	case TLSSelfSigned:
		v.unusedFiles()
	case TLSACME:
		v.unusedFiles()
		v.acme()
		return
	default: // words has said so.
		return
	}
	for _, k := range []struct{ key, value string }{
		{"tls.acme.domains", strings.Join(v.cfg.TLS.ACME.Domains, ",")},
		{"tls.acme.email", v.cfg.TLS.ACME.Email},
		{"tls.acme.ca", v.cfg.TLS.ACME.CA},
		{"tls.acme.ca_root", v.cfg.TLS.ACME.CARoot},
	} {
		if k.value != "" {
			v.add(k.key, k.value, fmt.Sprintf("is not used, as tls.mode is %s", v.cfg.TLS.Mode), "Write tls.mode: acme, or remove it.")
		}
	}
}

// certificateFiles checks that the files are there where they are needed, and
// needed where they are there.
func (v *validator) certificateFiles() {
	cert, private := v.cfg.TLS.Cert, v.cfg.TLS.Key
	switch {
	case cert == "" && private == "" && !v.cfg.secure():
	case cert != "" && private != "" && !v.cfg.secure():
		v.add("tls.cert", cert, "is not used, as https.address and rtmps.address are empty", "Write an address, such as https.address: :8443.")
	case cert == "" && private == "":
		v.add("tls.cert", "", "is missing, and https.address or rtmps.address needs it",
			"Name the files in tls.cert and tls.key, write tls.mode: acme or self_signed, or let a reverse proxy do TLS.")
	case cert == "":
		v.add("tls.cert", "", "is missing while tls.key is given", "Name both files.")
	case private == "":
		v.add("tls.key", "", "is missing while tls.cert is given", "Name both files.")
	default:
		if _, err := tls.LoadX509KeyPair(cert, private); err != nil {
			v.add("tls.cert", cert, fmt.Sprintf("cannot be used: %v", err), "Name a certificate and its key in PEM that Weir's user may read.")
		}
	}
}

// unusedFiles checks what a certificate that Weir gets itself does not need, and
// that it is needed.
func (v *validator) unusedFiles() {
	mode := string(v.cfg.TLS.Mode)
	if !v.cfg.secure() {
		v.add("tls.mode", mode, "is not used, as https.address and rtmps.address are empty", "Write an address, such as https.address: :443.")
	}
	for _, k := range []struct{ key, value string }{{"tls.cert", v.cfg.TLS.Cert}, {"tls.key", v.cfg.TLS.Key}} {
		if k.value != "" {
			v.add(k.key, k.value, "is not used, as tls.mode is "+mode, "Remove it, or write tls.mode: files.")
		}
	}
}

// acme checks what a CA is asked for.
func (v *validator) acme() {
	a := v.cfg.TLS.ACME
	if len(a.Domains) == 0 {
		v.add("tls.acme.domains", "", "is empty, and a CA issues certificates for names", "Write the host names of this gateway, such as live.example.com.")
	}
	name := regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z0-9-]{2,63}$`)
	for i, domain := range a.Domains {
		at := fmt.Sprintf("tls.acme.domains[%d]", i)
		_, notIP := netip.ParseAddr(domain)
		switch {
		case strings.HasPrefix(domain, "*."):
			v.add(at, domain, "is a wildcard, which a CA gives by DNS alone", "Write each host name, or get the certificate elsewhere and write tls.mode: files.")
		case notIP == nil || !name.MatchString(domain):
			v.add(at, domain, "is not a host name", "Write one that the DNS knows, such as live.example.com, without https:// and port.")
		}
	}
	if a.Email != "" && !strings.Contains(a.Email, "@") {
		v.add("tls.acme.email", a.Email, "is not an address", "Write one such as you@example.com, or leave it empty.")
	}
	if u, err := url.Parse(a.CA); a.CA != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		v.add("tls.acme.ca", a.CA, "is not an https address", "Write the CA's ACME directory, or leave it empty for Let's Encrypt.")
	}
	if a.CARoot == "" {
		return
	}
	if _, err := os.ReadFile(a.CARoot); err != nil {
		v.add("tls.acme.ca_root", a.CARoot, fmt.Sprintf("cannot be read: %v", err), "Name a file of certificates in PEM.")
	}
}
