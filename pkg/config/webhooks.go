package config

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const (
	mostWebhooks = 20
	secretPrefix = "whsec_"
	// leastSecret and mostSecret are in bytes (Standard Webhooks, "Signature scheme").
	leastSecret = 24
	mostSecret  = 64
)

// WebhookEvents are what a webhook can ask for.
func WebhookEvents() []string {
	return []string{
		"stream.started", "stream.resumed", "stream.ended", "stream.unhealthy", "stream.healthy",
		"publish.started", "publish.ended", "publish.rejected", "publish.switched",
		"rung.shed", "rung.restored", "worker.restarted",
	}
}

func decodeWebhooks(field *[]Webhook, path string, raw any) Errors {
	var problems Errors
	webhooks := []Webhook{}
	for i, element := range list(raw) {
		at := fmt.Sprintf("%s[%d]", path, i)
		table, ok := element.(map[string]any)
		if !ok {
			// Never the value itself in a problem: it holds a secret.
			text, _ := scalar(element)
			address, secret, _ := strings.Cut(text, " ")
			webhooks = append(webhooks, Webhook{URL: address, Secret: Secret(strings.TrimSpace(secret))})
			continue
		}
		var w Webhook
		if events, given := table["events"]; given {
			problems = append(problems, decodeTexts(&w.Events, at+".events", events)...)
		}
		rest := make(map[string]any)
		for name, value := range table {
			if name != "events" {
				rest[name] = value
			}
		}
		fields, wrong := entries(rest, at, "url", "secret")
		problems = append(problems, wrong...)
		w.URL, w.Secret = fields["url"], Secret(fields["secret"])
		webhooks = append(webhooks, w)
	}
	*field = webhooks
	return problems
}

// place is where a webhook is, without what may be secret in its URL.
func (w Webhook) place() string {
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" {
		return ""
	}
	place := u.Scheme + "://" + u.Host + "/"
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		place += redacted
	}
	return place
}

func (v *validator) webhooks() {
	all := v.cfg.Webhooks.Endpoints
	if len(all) > mostWebhooks {
		v.add("webhooks.endpoints", "", fmt.Sprintf("has %d entries", len(all)), fmt.Sprintf("Write at most %d.", mostWebhooks))
	}
	seen := make(map[string]int)
	for i, w := range all {
		at := fmt.Sprintf("webhooks.endpoints[%d]", i)
		u, err := url.Parse(w.URL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
			v.add(at+".url", "", "(not shown, it may hold secrets) is not a webhook's URL", "Write an http or https address without user and fragment, such as https://bot.example.com/weir.")
		}
		if first, twice := seen[w.URL]; twice {
			v.add(at+".url", w.place(), fmt.Sprintf("is that of [%d] too", first), "Write every URL once.")
		}
		seen[w.URL] = i
		coded, ok := strings.CutPrefix(w.Secret.Reveal(), secretPrefix)
		raw, err := base64.StdEncoding.DecodeString(coded)
		if !ok || err != nil || len(raw) < leastSecret || len(raw) > mostSecret {
			v.add(at+".secret", "", "(not shown) is not a webhook's secret",
				fmt.Sprintf(`Write %s and the base64 of %d to %d random bytes, such as the output of: echo "%s$(openssl rand -base64 32)".`, secretPrefix, leastSecret, mostSecret, secretPrefix))
		}
		for j, kind := range w.Events {
			if !slices.Contains(WebhookEvents(), kind) {
				v.add(fmt.Sprintf("%s.events[%d]", at, j), kind, "is no event", suggestion(suggest(kind, WebhookEvents()), WebhookEvents()))
			}
		}
	}
}
